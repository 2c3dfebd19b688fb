// Presets: named bundles of ordinary spec fields. What a spec writes itself always wins over its preset.
import { registry } from '../core/registry.ts';
import { neutralValues } from './neutral.ts';

export interface Preset {
  readonly name: string;
  readonly title: string;
  /** Where these values come from. */
  readonly source: string;
  /** Values of ordinary fields by path. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Trigger parameters by trigger name. */
  readonly attack: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The paper's training schedule: section 3 of the text (Adam, 20 epochs, batch 128), momentum of its code for SGD. */
const schedule = {
  ...neutralValues,
  init: 'pretrained',
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

export const presets = registry<Preset>('preset', [
  {
    name: 'corrected',
    title: 'the paper’s experiment with its slips put right',
    source:
      'The paper’s schedule. A square’s side is rounded to the nearest pixel, so that 4 %, 6 % and 8 % differ wherever the image can show it.',
    fields: schedule,
    attack: { badnets: { stampAt: 'native', rounding: 'round' } },
  },
  {
    name: 'paper-text',
    title: 'as the text of the paper says',
    source:
      'Adam with learning rate 0.001, 20 epochs, batch 128, last layer and batch norm trainable (AlexNet: the classifier); side of the square rounded down, at least one pixel.',
    fields: schedule,
    attack: { badnets: { stampAt: 'native', rounding: 'floor' } },
  },
]);
