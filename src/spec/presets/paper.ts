// What the text of the paper says (SoK on backdoored image classifiers, section 3), and what all presets share of it.
import { neutralFields } from '../neutral.ts';
import type { PresetRule } from './preset.ts';

/** The paper's four networks. */
export const PAPER_MODELS = ['alexnet', 'googlenet', 'vgg19_bn', 'resnet152'] as const;

/** The schedule: Adam, 20 epochs, batch 128; momentum, for SGD, from the code. */
export const schedule = {
  ...neutralFields,
  init: 'pretrained',
  weights: 'default',
  freeze: 'paper',
  'training.optimizer': 'adam',
  'training.learningRate': 0.001,
  'training.momentum': 0.9,
  'training.weightDecay': 0,
  'training.epochs': 20,
  'training.batchSize': 128,
  target: 0,
  seed: 0,
} as const;

/** What the schedule is on Tiny ImageNet. */
export const tinyImageNetSchedule: readonly PresetRule[] = [
  { if: { dataset: 'tiny-imagenet' }, set: { 'training.batchSize': 32 }, source: 'text: batch 32 on TinyImageNet' },
  {
    if: { dataset: 'tiny-imagenet', model: 'vgg19_bn' },
    set: { 'training.optimizer': 'sgd' },
    source: 'text: SGD for VGG on TinyImageNet; momentum 0.9 from the code',
  },
];

/** The sides of the images that the paper's networks see. */
export function inputSizes(mnist: readonly string[]): PresetRule[] {
  const side = (dataset: string | readonly string[], inputSize: number, native: number): PresetRule => ({
    if: { dataset, model: PAPER_MODELS },
    set: { inputSize },
    source: `text: images of ${native} pixels resized to ${inputSize}`,
  });
  return [side(mnist, 64, 28), side('cifar10', 128, 32), side('tiny-imagenet', 224, 64)];
}
