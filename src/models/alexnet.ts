// AlexNet (Krizhevsky et al. 2012) in torchvision's form: five convolutions, three dense layers, at any width.
import { adaptiveAveragePool } from '../graph/ops/adaptive-average-pool.ts';
import { flatten } from '../graph/ops/flatten.ts';
import { maxPool } from '../graph/ops/max-pool.ts';
import { relu } from '../graph/ops/relu.ts';
import type { Architecture } from './architecture.ts';
import { hiddenDense } from './dense-layers.ts';
import type { Initializer } from './initializers.ts';
import type { ModelOptions } from './options.ts';

export interface AlexNetConfig extends Omit<ModelOptions, 'width'> {
  /** First convolution. */
  readonly stem: { readonly channels: number; readonly kernel: number; readonly stride: number; readonly pad: number };
  /** Channels of convolutions 2 to 5. */
  readonly channels: readonly [number, number, number, number];
  /** Kernel of the second convolution (the later ones are 3×3). */
  readonly secondKernel: number;
  /** Padding of the three overlapping 3×3 max-pools of stride 2. */
  readonly poolPad: number;
  /** Side of the map that the dense layers see, by adaptive average pooling; undefined: whatever the last pool leaves. */
  readonly mapSide?: number;
  /** How convolutions and hidden dense layers start when training from scratch. */
  readonly initializer: Initializer;
}

const HIDDEN = [
  { dropout: 'classifier.0', linear: 'classifier.1' },
  { dropout: 'classifier.3', linear: 'classifier.4' },
];

/** An AlexNet: `features.{0,3,6,8,10}` and `classifier.{1,4,6}`, 16 parameters in all. */
export function alexNet(config: AlexNetConfig): Architecture {
  return {
    head: 'classifier.6',
    paperPrefix: 'classifier.',
    // The last convolution and the classifier.
    paperCode: (names) => names.slice(8),
    convInitializer: config.initializer,
    forward(layers, image, { classes }) {
      const [c2, c3, c4, c5] = config.channels;
      const { stem, secondKernel, initializer, mapSide } = config;
      const pool = { strides: 2, pads: config.poolPad };
      let x = relu(
        layers.conv('features.0', image, stem.channels, {
          kernel: stem.kernel,
          strides: stem.stride,
          pads: stem.pad,
          bias: true,
        }),
      );
      x = maxPool(x, 3, pool);
      x = relu(
        layers.conv('features.3', x, c2, { kernel: secondKernel, pads: Math.floor(secondKernel / 2), bias: true }),
      );
      x = maxPool(x, 3, pool);
      x = relu(layers.conv('features.6', x, c3, { kernel: 3, pads: 1, bias: true }));
      x = relu(layers.conv('features.8', x, c4, { kernel: 3, pads: 1, bias: true }));
      x = relu(layers.conv('features.10', x, c5, { kernel: 3, pads: 1, bias: true }));
      x = maxPool(x, 3, pool);
      x = flatten(mapSide === undefined ? x : adaptiveAveragePool(x, mapSide, mapSide));
      x = hiddenDense(layers, x, HIDDEN, config, { initializer });
      return { logits: layers.linear('classifier.6', x, classes) };
    },
  };
}
