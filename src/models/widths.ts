// Wider and narrower networks: every number of channels of a configuration times one factor, at least one channel each.
import type { AlexNetConfig } from './alexnet.ts';
import type { GoogLeNetConfig } from './googlenet.ts';
import type { ResNetConfig } from './resnet.ts';
import type { VggConfig } from './vgg.ts';

function scaled<T extends readonly number[]>(channels: T, width: number): T {
  // The same number of them, each a number.
  return channels.map((count) => scaledOne(count, width)) as unknown as T;
}

function scaledOne(count: number, width: number): number {
  return Math.max(1, Math.round(count * width));
}

/** Convolutions and hidden dense layers. */
export function widenAlexNet(config: AlexNetConfig, width: number): AlexNetConfig {
  const { stem, channels, dense } = config;
  return {
    ...config,
    stem: { ...stem, channels: scaledOne(stem.channels, width) },
    channels: scaled(channels, width),
    dense: scaledOne(dense, width),
  };
}

/** Convolutions and hidden dense layers. */
export function widenVgg(config: VggConfig, width: number): VggConfig {
  const stages = config.stages.map((channels) => scaled(channels, width));
  return { ...config, stages, dense: scaledOne(config.dense, width) };
}

export function widenResNet(config: ResNetConfig, width: number): ResNetConfig {
  return {
    ...config,
    stem: { ...config.stem, channels: scaledOne(config.stem.channels, width) },
    stages: config.stages.map(({ blocks, channels }) => ({ blocks, channels: scaledOne(channels, width) })),
  };
}

/** All branches of all blocks; auxiliary heads stay as they are. */
export function widenGoogLeNet(config: GoogLeNetConfig, width: number): GoogLeNetConfig {
  return {
    ...config,
    stem: { ...config.stem, channels: scaled(config.stem.channels, width) },
    stages: config.stages.map((stage) => stage.map((channels) => scaled(channels, width))),
  };
}
