// GoogLeNet (Szegedy et al. 2015) in torchvision's form: Inception blocks with batch norm, auxiliary classifiers.
import { float32 } from '../core/tensor.ts';
import type { Value } from '../graph/graph.ts';
import { adaptiveAveragePool } from '../graph/ops/adaptive-average-pool.ts';
import { add } from '../graph/ops/add.ts';
import { concat } from '../graph/ops/concat.ts';
import { flatten } from '../graph/ops/flatten.ts';
import { globalAveragePool } from '../graph/ops/global-average-pool.ts';
import { maxPool } from '../graph/ops/max-pool.ts';
import { mul } from '../graph/ops/mul.ts';
import { relu } from '../graph/ops/relu.ts';
import type { Architecture, AuxiliaryHead } from './architecture.ts';
import type { Initializer } from './initializers.ts';
import type { ConvLayer, Layers } from './layers.ts';

/** Channels of an Inception block: 1×1; 3×3 after its reduction; the third branch after its reduction; after the pool. */
export type InceptionChannels = readonly [
  one: number,
  threeReduced: number,
  three: number,
  thirdReduced: number,
  third: number,
  pooled: number,
];

export interface GoogLeNetConfig {
  readonly stem: GoogLeNetStem;
  /** Inception blocks of stages 3, 4 and 5; a max-pool stands between stages. */
  readonly stages: readonly (readonly InceptionChannels[])[];
  /** Kernels of the max-pools before stages 4 and 5 (stride 2). */
  readonly poolKernels: readonly [number, number];
  readonly dropout: number;
  /** Dense width and dropout of the two auxiliary classifiers; undefined: there are none. */
  readonly auxiliary?: { readonly channels: number; readonly dense: number; readonly dropout: number };
  /** Per-channel scale and shift that turn torchvision's input normalisation into the one the published weights expect. */
  readonly transformInput?: { readonly scale: readonly number[]; readonly shift: readonly number[] };
  /** How convolutions and dense layers start when training from scratch. */
  readonly initializer: Initializer;
}

export interface GoogLeNetStem {
  readonly kernel: number;
  readonly stride: number;
  /** Channels of conv1, conv2 (1×1) and conv3 (3×3). */
  readonly channels: readonly [number, number, number];
  /** Whether a max-pool of 3×3, stride 2, follows conv1 and conv3. */
  readonly pools: boolean;
}

const EPSILON = 1e-3;
const AUXILIARY_WEIGHT = 0.3;

/** A GoogLeNet: `conv1` to `conv3`, `inception3a` to `inception5b`, `aux1`, `aux2`, `fc`. */
export function googLeNet(config: GoogLeNetConfig): Architecture {
  const { stem, initializer } = config;
  return {
    head: 'fc',
    paperPrefix: 'fc.',
    paperCode: (names) => names.filter((name) => name.includes('bn') || name.startsWith('fc.')),
    convInitializer: initializer,
    forward(layers, image, { classes, origin }) {
      const scratch = origin === 'random';
      let x = config.transformInput && !scratch ? rescaled(image, config.transformInput) : image;
      const pool = { strides: 2, ceilMode: true };
      x = basicConv(layers, 'conv1', x, stem.channels[0], {
        kernel: stem.kernel,
        strides: stem.stride,
        pads: Math.floor(stem.kernel / 2),
      });
      if (stem.pools) x = maxPool(x, 3, pool);
      x = basicConv(layers, 'conv2', x, stem.channels[1], { kernel: 1 });
      x = basicConv(layers, 'conv3', x, stem.channels[2], { kernel: 3, pads: 1 });
      if (stem.pools) x = maxPool(x, 3, pool);
      const inner = new Map<string, Value>();
      config.stages.forEach((blocks, s) => {
        if (s > 0) x = maxPool(x, config.poolKernels[s - 1], pool);
        blocks.forEach((channels, b) => {
          const name = `inception${s + 3}${'abcdefgh'[b]}`;
          x = inception(layers, name, x, channels);
          inner.set(name, x);
        });
      });
      const auxiliary: AuxiliaryHead[] = [];
      if (config.auxiliary && scratch) {
        for (const [name, at] of [
          ['aux1', 'inception4a'],
          ['aux2', 'inception4d'],
        ]) {
          const from = inner.get(at);
          if (!from) throw new Error(`googLeNet: there is no ${at} for ${name}`);
          const logits = auxiliaryHead(layers, name, from, config.auxiliary, classes, initializer);
          auxiliary.push({ logits, weight: AUXILIARY_WEIGHT });
        }
      }
      x = layers.dropout('dropout', flatten(globalAveragePool(x)), config.dropout);
      return { logits: layers.linear('fc', x, classes, scratch ? { initializer } : {}), auxiliary };
    },
  };
}

/** Convolution without bias, batch norm, ReLU: `name.conv`, `name.bn`. */
function basicConv(layers: Layers, name: string, x: Value, channels: number, options: ConvLayer): Value {
  return relu(layers.batchNorm(`${name}.bn`, layers.conv(`${name}.conv`, x, channels, options), EPSILON));
}

/** Four branches side by side. The third is 3×3, where the paper has 5×5: torchvision's published weights are so. */
function inception(layers: Layers, name: string, x: Value, channels: InceptionChannels): Value {
  const [one, threeReduced, three, thirdReduced, third, pooled] = channels;
  const wide = { kernel: 3, pads: 1 };
  const branch1 = basicConv(layers, `${name}.branch1`, x, one, { kernel: 1 });
  let branch2 = basicConv(layers, `${name}.branch2.0`, x, threeReduced, { kernel: 1 });
  branch2 = basicConv(layers, `${name}.branch2.1`, branch2, three, wide);
  let branch3 = basicConv(layers, `${name}.branch3.0`, x, thirdReduced, { kernel: 1 });
  branch3 = basicConv(layers, `${name}.branch3.1`, branch3, third, wide);
  const branch4 = basicConv(layers, `${name}.branch4.1`, maxPool(x, 3, { pads: 1 }), pooled, { kernel: 1 });
  return concat([branch1, branch2, branch3, branch4], 1);
}

function auxiliaryHead(
  layers: Layers,
  name: string,
  from: Value,
  config: NonNullable<GoogLeNetConfig['auxiliary']>,
  classes: number,
  initializer: Initializer,
): Value {
  let x = basicConv(layers, `${name}.conv`, adaptiveAveragePool(from, 4, 4), config.channels, { kernel: 1 });
  x = relu(layers.linear(`${name}.fc1`, flatten(x), config.dense, { initializer }));
  return layers.linear(`${name}.fc2`, layers.dropout(`${name}.dropout`, x, config.dropout), classes, { initializer });
}

function rescaled(image: Value, { scale, shift }: NonNullable<GoogLeNetConfig['transformInput']>): Value {
  const perChannel = (values: readonly number[]) => image.graph.constant(float32([1, values.length, 1, 1], values));
  return add(mul(image, perChannel(scale)), perChannel(shift));
}
