// The networks that specs can name. A size is a configuration; the families are shared.
import { type Registry, registry } from '../core/registry.ts';
import { alexNet } from './alexnet.ts';
import type { Architecture } from './architecture.ts';
import { resNet } from './resnet.ts';
import { weightsCard } from './weights/card.ts';

export interface ModelDefinition {
  readonly name: string;
  readonly title: string;
  readonly family: 'alexnet' | 'resnet';
  /** Side of the square input in pixels that the network is meant for. */
  readonly inputSize: number;
  readonly architecture: Architecture;
  /** Per-channel normalisation of pixels in [0, 1] that its weights were trained with. */
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** SHA-256 of the pretrained weights; undefined when there are none. */
  readonly weightsHash: string | undefined;
}

/** ImageNet's channel means and deviations, as torchvision's models expect. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

function define(definition: Omit<ModelDefinition, 'weightsHash'>): ModelDefinition {
  return {
    ...definition,
    get weightsHash() {
      return weightsCard(definition.name)?.sha256;
    },
  };
}

export const models: Registry<ModelDefinition> = registry('model', [
  define({
    name: 'resnet-mini',
    title: 'ResNet with one basic block per stage, 16 to 128 channels',
    family: 'resnet',
    inputSize: 32,
    normalization: IMAGENET,
    architecture: resNet({
      stem: { channels: 16, kernel: 3, stride: 2, pool: false },
      stages: [16, 32, 64, 128].map((channels) => ({ blocks: 1, channels })),
    }),
  }),
  define({
    name: 'alexnet-mini',
    title: 'AlexNet with 24 to 48 channels and dense layers of 256',
    family: 'alexnet',
    inputSize: 32,
    normalization: IMAGENET,
    architecture: alexNet({
      stem: { channels: 24, kernel: 3, stride: 1, pad: 1 },
      channels: [32, 48, 32, 32],
      secondKernel: 3,
      poolPad: 1,
      dense: 256,
      // Half of these few inputs would be too many: see docs/method.md.
      dropout: 0.2,
      initializer: { kind: 'kaiming-uniform' },
    }),
  }),
]);
