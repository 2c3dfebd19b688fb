// The sizes of the families: torchvision's full-size networks and the -mini ones for 32 px.
import { alexNet } from './alexnet.ts';
import type { Architecture } from './architecture.ts';
import { googLeNet } from './googlenet.ts';
import type { ModelOptions, OptionName } from './options.ts';
import { resNet } from './resnet.ts';
import { vgg } from './vgg.ts';
import { widenAlexNet, widenGoogLeNet, widenResNet, widenVgg } from './widths.ts';

export type Family = 'alexnet' | 'googlenet' | 'vgg' | 'resnet';

export interface NetworkSize {
  readonly name: string;
  readonly title: string;
  readonly family: Family;
  /** Side of the square input in pixels that the network is meant for. */
  readonly inputSize: number;
  readonly architecture: Architecture;
  /** The options that its name may carry, at the values it has without them; undefined: it takes none. */
  readonly options?: Partial<ModelOptions>;
  /** The network under other options. */
  withOptions?(options: Partial<ModelOptions>): Architecture;
}

/** A network whose name may set these fields of its configuration, and its width where there is a way to `widen` it. */
function adjustable<Config extends object>(
  names: readonly (OptionName & keyof Config)[],
  build: (config: Config) => Architecture,
  config: Config,
  widen?: (config: Config, width: number) => Config,
): Pick<NetworkSize, 'architecture' | 'options' | 'withOptions'> {
  const usual = Object.fromEntries(names.map((name) => [name, config[name]]));
  return {
    architecture: build(config),
    options: widen ? { width: 1, ...usual } : usual,
    // Hidden layers have the width that is written, whatever that of the rest.
    withOptions: ({ width, ...options }) =>
      build({ ...(widen && width !== undefined ? widen(config, width) : config), ...options }),
  };
}

const DENSE = ['dense', 'dropout', 'dropoutAt'] as const;

/** ImageNet's channel means and deviations, as torchvision's models expect. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const alexnet: NetworkSize = {
  name: 'alexnet',
  title: 'AlexNet (Krizhevsky 2014), 61 M parameters',
  family: 'alexnet',
  inputSize: 224,
  ...adjustable(DENSE, alexNet, {
    stem: { channels: 64, kernel: 11, stride: 4, pad: 2 },
    channels: [192, 384, 256, 256],
    secondKernel: 5,
    poolPad: 0,
    mapSide: 6,
    dense: 4096,
    dropout: 0.5,
    dropoutAt: 'before',
    initializer: { kind: 'uniform' },
  }),
};

const googlenet: NetworkSize = {
  name: 'googlenet',
  title: 'GoogLeNet with batch norm (Szegedy et al. 2015), 6.6 M parameters',
  family: 'googlenet',
  inputSize: 224,
  ...adjustable(['dropout'], googLeNet, {
    stem: { kernel: 7, stride: 2, channels: [64, 64, 192], pools: true },
    stages: [
      [
        [64, 96, 128, 16, 32, 32],
        [128, 128, 192, 32, 96, 64],
      ],
      [
        [192, 96, 208, 16, 48, 64],
        [160, 112, 224, 24, 64, 64],
        [128, 128, 256, 24, 64, 64],
        [112, 144, 288, 32, 64, 64],
        [256, 160, 320, 32, 128, 128],
      ],
      [
        [256, 160, 320, 32, 128, 128],
        [384, 192, 384, 48, 128, 128],
      ],
    ],
    poolKernels: [3, 2],
    dropout: 0.2,
    auxiliary: { channels: 128, dense: 1024, dropout: 0.7 },
    // The published weights were trained on pixels in [-1, 1].
    transformInput: {
      scale: IMAGENET.std.map((std) => std / 0.5),
      shift: IMAGENET.mean.map((mean) => (mean - 0.5) / 0.5),
    },
    // torchvision cuts this normal at ±2, which is 200 deviations: never.
    initializer: { kind: 'normal', deviation: 0.01 },
  }),
};

/** Convolutions of each stage of a VGG, by its number of layers. */
const VGG_DEPTHS: Readonly<Record<number, readonly number[]>> = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
};

const vggs: NetworkSize[] = Object.entries(VGG_DEPTHS).flatMap(([layers, depths]) =>
  [false, true].map((batchNorm) => ({
    name: `vgg${layers}${batchNorm ? '_bn' : ''}`,
    title: `VGG-${layers}${batchNorm ? ' with batch norm' : ''} (Simonyan & Zisserman 2015)`,
    family: 'vgg' as const,
    inputSize: 224,
    ...adjustable(DENSE, vgg, {
      stages: depths.map((count, s) => Array.from({ length: count }, () => Math.min(64 * 2 ** s, 512))),
      batchNorm,
      mapSide: 7,
      dense: 4096,
      dropout: 0.5,
      dropoutAt: 'after',
      denseInitializer: { kind: 'normal', deviation: 0.01 },
    }),
  })),
);

/** Blocks of each stage of a ResNet, by its number of layers; from 50 on they are bottlenecks. */
const RESNET_DEPTHS: Readonly<Record<number, readonly number[]>> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

const resnets: NetworkSize[] = Object.entries(RESNET_DEPTHS).map(([layers, depths]) => ({
  name: `resnet${layers}`,
  title: `ResNet-${layers} (He et al. 2016)`,
  family: 'resnet' as const,
  inputSize: 224,
  architecture: resNet({
    block: Number(layers) >= 50 ? 'bottleneck' : 'basic',
    stem: { channels: 64, kernel: 7, stride: 2, pool: true },
    stages: depths.map((blocks, s) => ({ blocks, channels: 64 * 2 ** s })),
  }),
}));

const minis: NetworkSize[] = [
  {
    name: 'resnet-mini',
    title: 'ResNet with one basic block per stage, 16 to 128 channels',
    family: 'resnet',
    inputSize: 32,
    ...adjustable(
      [],
      resNet,
      {
        stem: { channels: 16, kernel: 3, stride: 2, pool: false },
        stages: [16, 32, 64, 128].map((channels) => ({ blocks: 1, channels })),
      },
      widenResNet,
    ),
  },
  {
    name: 'alexnet-mini',
    title: 'AlexNet with 24 to 48 channels and dense layers of 256',
    family: 'alexnet',
    inputSize: 32,
    ...adjustable(
      DENSE,
      alexNet,
      {
        stem: { channels: 24, kernel: 3, stride: 1, pad: 1 },
        channels: [32, 48, 32, 32],
        secondKernel: 3,
        poolPad: 1,
        dense: 256,
        // Half of these few inputs would be too many: see docs/method.md.
        dropout: 0.2,
        dropoutAt: 'before',
        initializer: { kind: 'kaiming-uniform' },
      },
      widenAlexNet,
    ),
  },
  {
    name: 'vgg-mini',
    title: 'VGG with batch norm, six convolutions of 12 to 96 channels, dense layers of 128',
    family: 'vgg',
    inputSize: 32,
    ...adjustable(
      DENSE,
      vgg,
      {
        stages: [[12], [24], [48, 48], [96, 96]],
        batchNorm: true,
        mapSide: 2,
        dense: 128,
        dropout: 0.2,
        dropoutAt: 'after',
        denseInitializer: { kind: 'kaiming-uniform' },
      },
      widenVgg,
    ),
  },
  {
    name: 'googlenet-mini',
    title: 'GoogLeNet with five Inception blocks, 48 to 200 channels',
    family: 'googlenet',
    inputSize: 32,
    ...adjustable(
      ['dropout'],
      googLeNet,
      {
        stem: { kernel: 3, stride: 2, channels: [16, 16, 24], pools: false },
        stages: [
          [[12, 12, 20, 4, 8, 8]],
          [
            [24, 20, 40, 8, 16, 16],
            [32, 24, 48, 8, 24, 16],
          ],
          [
            [48, 32, 64, 12, 24, 24],
            [64, 32, 80, 12, 32, 24],
          ],
        ],
        poolKernels: [3, 2],
        dropout: 0.2,
        initializer: { kind: 'truncated-normal', deviation: 0.01 },
      },
      widenGoogLeNet,
    ),
  },
];

/** Every network by name: the -mini ones first. */
export const networkSizes: readonly NetworkSize[] = [...minis, alexnet, googlenet, ...vggs, ...resnets];
