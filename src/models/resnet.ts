// ResNet (He et al. 2016) as torchvision names it; the basic-block form, at any width and depth.
import type { Value } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { flatten } from '../graph/ops/flatten.ts';
import { globalAveragePool } from '../graph/ops/global-average-pool.ts';
import { maxPool } from '../graph/ops/max-pool.ts';
import { relu } from '../graph/ops/relu.ts';
import type { Architecture } from './architecture.ts';
import type { Layers } from './layers.ts';

export interface ResNetConfig {
  /** First convolution; with `pool`, a 3×3 max-pool of stride 2 follows. */
  readonly stem: {
    readonly channels: number;
    readonly kernel: number;
    readonly stride: number;
    readonly pool: boolean;
  };
  /** Blocks and channels of each stage; every stage but the first halves the image. */
  readonly stages: readonly { readonly blocks: number; readonly channels: number }[];
}

/** A ResNet of basic blocks (two 3×3 convolutions each). */
export function resNet(config: ResNetConfig): Architecture {
  return {
    head: 'fc',
    paperPrefix: 'fc.',
    convInitializer: { kind: 'kaiming-fan-out' },
    forward(layers, image, classes) {
      const { channels, kernel, stride, pool } = config.stem;
      let x = layers.conv('conv1', image, channels, { kernel, strides: stride, pads: Math.floor(kernel / 2) });
      x = relu(layers.batchNorm('bn1', x));
      if (pool) x = maxPool(x, 3, { strides: 2, pads: 1 });
      config.stages.forEach((stage, s) => {
        for (let block = 0; block < stage.blocks; block++) {
          x = basicBlock(layers, `layer${s + 1}.${block}`, x, stage.channels, s > 0 && block === 0 ? 2 : 1);
        }
      });
      return layers.linear('fc', flatten(globalAveragePool(x)), classes);
    },
  };
}

function basicBlock(layers: Layers, name: string, x: Value, channels: number, stride: number): Value {
  let y = layers.conv(`${name}.conv1`, x, channels, { kernel: 3, strides: stride, pads: 1 });
  y = relu(layers.batchNorm(`${name}.bn1`, y));
  y = layers.conv(`${name}.conv2`, y, channels, { kernel: 3, pads: 1 });
  y = layers.batchNorm(`${name}.bn2`, y);
  let shortcut = x;
  if (stride !== 1 || x.shape[1] !== channels) {
    shortcut = layers.conv(`${name}.downsample.0`, x, channels, { kernel: 1, strides: stride });
    shortcut = layers.batchNorm(`${name}.downsample.1`, shortcut);
  }
  return relu(add(y, shortcut));
}
