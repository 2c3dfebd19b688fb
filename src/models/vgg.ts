// VGG (Simonyan & Zisserman 2015) in torchvision's form: 3×3 convolutions between max-pools, three dense layers.
import { adaptiveAveragePool } from '../graph/ops/adaptive-average-pool.ts';
import { flatten } from '../graph/ops/flatten.ts';
import { maxPool } from '../graph/ops/max-pool.ts';
import { relu } from '../graph/ops/relu.ts';
import type { Architecture } from './architecture.ts';
import { hiddenDense } from './dense-layers.ts';
import type { Initializer } from './initializers.ts';
import type { ModelOptions } from './options.ts';

export interface VggConfig extends Omit<ModelOptions, 'width'> {
  /** Channels of the convolutions of each stage; a 2×2 max-pool of stride 2 ends it. */
  readonly stages: readonly (readonly number[])[];
  /** Whether a batch norm follows every convolution. */
  readonly batchNorm: boolean;
  /** Side of the map that the dense layers see, by adaptive average pooling. */
  readonly mapSide: number;
  /** How dense layers start when training from scratch. Biases start at zero. */
  readonly denseInitializer: Initializer;
}

const HIDDEN = [
  { linear: 'classifier.0', dropout: 'classifier.2' },
  { linear: 'classifier.3', dropout: 'classifier.5' },
];

const ZERO: Initializer = { kind: 'constant', value: 0 };

/**
 * The authors loop over the parameters of `features` and ask of each number whether the *module* of that number is a batch norm,
 * or the number is past the last module (53 in VGG-19 with batch norm); the whole classifier stays trainable.
 */
function paperCode({ stages, batchNorm }: VggConfig, names: readonly string[]): string[] {
  const modules = stages.flatMap((stage) => [
    ...stage.flatMap(() => (batchNorm ? ['conv', 'norm', 'relu'] : ['conv', 'relu'])),
    'pool',
  ]);
  return names.filter((name, i) => !name.startsWith('features.') || i >= modules.length || modules[i] === 'norm');
}

/** A VGG: `features.<i>` counted over convolutions, batch norms, ReLUs and pools; `classifier.{0,3,6}`. */
export function vgg(config: VggConfig): Architecture {
  return {
    head: 'classifier.6',
    paperPrefix: 'classifier.6.',
    paperCode: (names) => paperCode(config, names),
    convInitializer: { kind: 'kaiming-fan-out' },
    forward(layers, image, { classes, origin }) {
      let x = image;
      let i = 0;
      for (const stage of config.stages) {
        for (const channels of stage) {
          x = layers.conv(`features.${i++}`, x, channels, { kernel: 3, pads: 1, bias: true, biasInitializer: ZERO });
          if (config.batchNorm) x = layers.batchNorm(`features.${i++}`, x);
          x = relu(x);
          i++;
        }
        x = maxPool(x, 2, { strides: 2 });
        i++;
      }
      x = flatten(adaptiveAveragePool(x, config.mapSide, config.mapSide));
      const start = { initializer: config.denseInitializer, biasInitializer: ZERO };
      x = hiddenDense(layers, x, HIDDEN, config, start);
      return { logits: layers.linear('classifier.6', x, classes, origin === 'random' ? start : {}) };
    },
  };
}
