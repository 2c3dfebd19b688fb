// A perceptual distance: how far two images are apart in the features of a pretrained network.
import { type Tensor, tensor } from '../core/tensor.ts';
import { normalize } from '../data/preprocessing.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { Layers } from '../models/layers.ts';
import { models } from '../models/registry.ts';
import { initialState } from '../models/state.ts';
import type { Runtime } from '../runtime/node.ts';

/** The network whose features are compared; its head plays no part. */
const BACKBONE = 'resnet-mini';
/** Images computed at a time, at 32 pixels. */
const BATCH = 50;

/**
 * Distance of each pair of images [N, 3, H, W] in [0, 1]: the construction of LPIPS (Zhang et al. 2018) on the network that ships
 * with this program, and without its learned weights, so that it is **not LPIPS** and compares only with itself. After each
 * stage of resnet-mini (what its last ReLU of every resolution gives) the channels of every place are scaled to length 1; the squared
 * distance of the two images is averaged over places and summed over stages. 0 for equal images.
 */
export async function featureDistances(runtime: Runtime, before: Tensor, after: Tensor): Promise<number[]> {
  const [count, , height, width] = before.shape;
  const session = await runtime.open(await featureGraph(height, width));
  const batch = Math.max(1, Math.floor((BATCH * 32 * 32) / (height * width)));
  const distances: number[] = [];
  for (let first = 0; first < count; first += batch) {
    const last = Math.min(count, first + batch);
    const [one, two] = [
      await session.run({ pixels: rowsOf(before, first, last) }),
      await session.run({ pixels: rowsOf(after, first, last) }),
    ];
    for (let i = 0; i < last - first; i++) {
      distances.push(Object.keys(one).reduce((sum, name) => sum + stageDistance(one[name], two[name], i), 0));
    }
  }
  return distances;
}

/** Mean over places of the squared distance of channels scaled to length 1, of image `i` of features [N, C, H, W]. */
export function stageDistance(one: Tensor, two: Tensor, i: number): number {
  const [, channels, height, width] = one.shape;
  const area = height * width;
  const start = i * channels * area;
  const [x, y] = [one.data as Float32Array, two.data as Float32Array];
  let total = 0;
  for (let place = start; place < start + area; place++) {
    let [xx, yy, xy] = [0, 0, 0];
    for (let at = place; at < place + channels * area; at += area) {
      xx += x[at] * x[at];
      yy += y[at] * y[at];
      xy += x[at] * y[at];
    }
    const [a, b] = [Math.sqrt(xx) + 1e-10, Math.sqrt(yy) + 1e-10];
    // ‖x/a − y/b‖², which rounding must not make negative.
    total += Math.max(0, xx / a ** 2 + yy / b ** 2 - (2 * xy) / (a * b));
  }
  return total / area;
}

async function featureGraph(height: number, width: number): Promise<Graph> {
  const model = models.get(BACKBONE);
  const { inputSize } = model;
  const { state } = await initialState(model, { inputSize, classes: 2, init: 'pretrained', seed: 0 });
  const graph = new Graph(`features of ${BACKBONE}`);
  const constant = (name: string) => graph.constant(state[name], name);
  const layers = new Layers(
    {
      ...{ graph, batchNormMode: 'running', parameter: constant, buffer: constant },
      updateBuffer() {},
      dropoutMask: () => undefined,
    },
    model.architecture.convInitializer,
  );
  const pixels = graph.input('pixels', 'float32', ['N', 3, height, width]);
  const native = { height, width, channels: 3 } as const;
  const image = normalize(pixels, { ...model.normalization, inputSize: height, native });
  model.architecture.forward(layers, image, { classes: 2, origin: 'pretrained' });
  const stages = new Map<string, Value>();
  for (const { op, outputs } of graph.nodes) {
    if (op === 'Relu') stages.set(outputs[0].shape.slice(2).join(), outputs[0]);
  }
  for (const [i, value] of [...stages.values()].entries()) graph.output(`stage${i}`, value);
  return graph;
}

function rowsOf({ data, shape }: Tensor, first: number, last: number): Tensor {
  const size = shape[1] * shape[2] * shape[3];
  return tensor(
    'float32',
    [last - first, ...shape.slice(1)],
    (data as Float32Array).subarray(first * size, last * size),
  );
}
