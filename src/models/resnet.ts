// ResNet (He et al. 2016) as torchvision names it: basic and bottleneck blocks, at any width and depth.
import type { Value } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { flatten } from '../graph/ops/flatten.ts';
import { globalAveragePool } from '../graph/ops/global-average-pool.ts';
import { maxPool } from '../graph/ops/max-pool.ts';
import { relu } from '../graph/ops/relu.ts';
import type { Architecture } from './architecture.ts';
import type { Layers } from './layers.ts';

export interface ResNetConfig {
  /** Two 3×3 convolutions, or 1×1, 3×3 (which carries the stride) and 1×1 to four times the channels. Default `basic`. */
  readonly block?: 'basic' | 'bottleneck';
  /** First convolution; with `pool`, a 3×3 max-pool of stride 2 follows. */
  readonly stem: {
    readonly channels: number;
    readonly kernel: number;
    readonly stride: number;
    readonly pool: boolean;
  };
  /** Blocks and (inner) channels of each stage; every stage but the first halves the image. */
  readonly stages: readonly { readonly blocks: number; readonly channels: number }[];
}

/** Output channels of a bottleneck block over its inner ones. */
const EXPANSION = 4;

/** A ResNet: `conv1`, `bn1`, `layer1` to `layer4`, `fc`. */
export function resNet(config: ResNetConfig): Architecture {
  return {
    head: 'fc',
    paperPrefix: 'fc.',
    // Chosen by name, so that the batch norms of shortcuts, which are called downsample.1, are not among them.
    paperCode: (names) => names.filter((name) => name.includes('bn') || name.startsWith('fc.')),
    convInitializer: { kind: 'kaiming-fan-out' },
    forward(layers, image, { classes }) {
      const { channels, kernel, stride, pool } = config.stem;
      const block = config.block === 'bottleneck' ? bottleneckBlock : basicBlock;
      let x = layers.conv('conv1', image, channels, { kernel, strides: stride, pads: Math.floor(kernel / 2) });
      x = relu(layers.batchNorm('bn1', x));
      if (pool) x = maxPool(x, 3, { strides: 2, pads: 1 });
      config.stages.forEach((stage, s) => {
        for (let b = 0; b < stage.blocks; b++) {
          x = block(layers, `layer${s + 1}.${b}`, x, stage.channels, s > 0 && b === 0 ? 2 : 1);
        }
      });
      return { logits: layers.linear('fc', flatten(globalAveragePool(x)), classes) };
    },
  };
}

function basicBlock(layers: Layers, name: string, x: Value, channels: number, stride: number): Value {
  let y = layers.conv(`${name}.conv1`, x, channels, { kernel: 3, strides: stride, pads: 1 });
  y = relu(layers.batchNorm(`${name}.bn1`, y));
  y = layers.conv(`${name}.conv2`, y, channels, { kernel: 3, pads: 1 });
  y = layers.batchNorm(`${name}.bn2`, y);
  return relu(add(y, shortcut(layers, name, x, channels, stride)));
}

function bottleneckBlock(layers: Layers, name: string, x: Value, channels: number, stride: number): Value {
  let y = layers.conv(`${name}.conv1`, x, channels, { kernel: 1 });
  y = relu(layers.batchNorm(`${name}.bn1`, y));
  y = layers.conv(`${name}.conv2`, y, channels, { kernel: 3, strides: stride, pads: 1 });
  y = relu(layers.batchNorm(`${name}.bn2`, y));
  y = layers.conv(`${name}.conv3`, y, EXPANSION * channels, { kernel: 1 });
  y = layers.batchNorm(`${name}.bn3`, y);
  return relu(add(y, shortcut(layers, name, x, EXPANSION * channels, stride)));
}

/** The block's input, brought to its output's shape where they differ. */
function shortcut(layers: Layers, name: string, x: Value, channels: number, stride: number): Value {
  if (stride === 1 && x.shape[1] === channels) return x;
  const projected = layers.conv(`${name}.downsample.0`, x, channels, { kernel: 1, strides: stride });
  return layers.batchNorm(`${name}.downsample.1`, projected);
}
