// Training as PyTorch does it: five steps of both networks, tensor by tensor, against stored results.
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { imagesOf, keepOf, labelsOf, startOf } from '../../test/fixtures/torch-train/formula.ts';
import { filled, type Tensor } from '../core/tensor.ts';
import { memorySource } from '../data/dataset.ts';
import { Graph } from '../graph/graph.ts';
import { alexNet } from '../models/alexnet.ts';
import type { Architecture } from '../models/architecture.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { resNet } from '../models/resnet.ts';
import { Runtime } from '../runtime/node.ts';
import { createNetwork, emitForward, type Network } from './network.ts';
import { type OptimizerConfig, optimizer } from './optimizers.ts';
import { unpackTensors } from './packing.ts';
import { stateFeeds } from './predict.ts';
import { trainStep } from './train-step.ts';

interface Fixtures {
  readonly logits: Record<string, { values: number[]; torchError: number }>;
  readonly cases: readonly {
    model: string;
    freeze: string;
    optimizer: 'adam' | 'sgd';
    learningRate: number;
    losses: number[];
    lossError: number;
    /** How far each tensor moved in float64: norm and evenly spaced entries; and how far PyTorch's float32 was off. */
    tensors: Record<string, { norm: number; entries: number[]; torchError: number }>;
  }[];
}

const STEPS = 5;
/** The networks as make-train-fixtures.py has them: sizes that the registry changes later need no new fixtures. */
const ARCHITECTURES: Record<string, Architecture> = {
  'resnet-mini': resNet({
    stem: { channels: 16, kernel: 3, stride: 2, pool: false },
    stages: [16, 32, 64, 128].map((channels) => ({ blocks: 1, channels })),
  }),
  'alexnet-mini': alexNet({
    stem: { channels: 24, kernel: 3, stride: 1, pad: 1 },
    channels: [32, 48, 32, 32],
    secondKernel: 3,
    poolPad: 1,
    dense: 256,
    dropout: 0.5,
    dropoutAt: 'before',
    initializer: { kind: 'uniform' },
  }),
};
const CLASSES = Array.from({ length: 10 }, (_, i) => `class ${i}`);
const url = new URL('../../test/fixtures/torch-train/train.json', import.meta.url);
const fixtures = JSON.parse(readFileSync(url, 'utf8')) as Fixtures;
const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

/** The network with the fixtures' weights. */
async function networkOf(name: string, freeze: string): Promise<Network> {
  const train = memorySource({ height: 32, width: 32, channels: 3 }, new Uint8Array(0), new Uint16Array(0));
  const dataset = { classes: CLASSES, train };
  const model = { ...models.get(name), architecture: ARCHITECTURES[name] };
  const policy = parseFreeze(freeze);
  const network = await createNetwork({ model, dataset, inputSize: 32, init: 'random', freeze: policy, seed: 0 });
  const { parameters, buffers } = network.info;
  const start = [
    ...parameters.map(({ name, shape, batchNorm }) => [name, startOf(name, shape, batchNorm)] as const),
    ...buffers.map(({ name, shape }) => [name, startOf(name, shape, true)] as const),
  ];
  return { ...network, start: Object.fromEntries(start) };
}

const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

/** ‖actual − expected‖ / ‖expected‖. */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return norm(Array.from(expected, (value, i) => actual[i] - value)) / Math.max(norm(expected), 1e-30);
}

/** Takes the fixtures' steps; the losses and the values after the last. */
async function fiveSteps(network: Network, config: OptimizerConfig) {
  const method = optimizer(config);
  const step = trainStep(network, method);
  const session = await runtime.open(step.graph);
  let state: Record<string, Tensor> = stateFeeds(network, network.start);
  for (const pack of network.packs)
    for (const slot of method.slots) state[`slot/${slot}/${pack.name}`] = filled(pack.shape, 0);
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    const feeds: Record<string, Tensor> = { ...state, image: imagesOf(i), labels: labelsOf(i) };
    const scalars = method.feed(i + 1, config.learningRate);
    method.scalars.forEach((name, j) => {
      feeds[`scalar/${name}`] = filled([], scalars[j]);
    });
    for (const { input, shape } of step.masks)
      feeds[input] = keepOf(input.replace('mask/', ''), i, [8, ...shape.slice(1).map(Number)]);
    const out = await session.run(feeds);
    losses.push(Number(out.loss.data[0]));
    state = Object.fromEntries(step.state.map((name) => [name, out[`next/${name}`]]));
  }
  const after: Record<string, Tensor> = {};
  for (const pack of network.packs) Object.assign(after, unpackTensors(pack, state[`parameters/${pack.name}`]));
  for (const name of network.buffers) after[name] = state[`buffers/${name}`];
  return { losses, after };
}

describe('logits in evaluation mode, against PyTorch', () => {
  it.each(Object.entries(fixtures.logits))('%s', async (name, { values, torchError }) => {
    const network = await networkOf(name, 'none');
    const graph = new Graph();
    graph.output('logits', emitForward(graph, network, 'evaluate').logits);
    const session = await runtime.open(graph);
    const { logits } = await session.run({ ...stateFeeds(network, network.start), image: imagesOf(0) });
    expect(logits.shape).toEqual([8, 10]);
    expect(distance(logits.data as Float32Array, values)).toBeLessThan(Math.max(1e-4, 2 * torchError));
  });
});

describe('five training steps, against PyTorch', () => {
  it.each(fixtures.cases)('$model, freeze $freeze, $optimizer, rate $learningRate', async (fixture) => {
    const network = await networkOf(fixture.model, fixture.freeze);
    const config =
      fixture.optimizer === 'adam' ? { momentum: 0, weightDecay: 0 } : { momentum: 0.9, weightDecay: 5e-4 };
    const { losses, after } = await fiveSteps(network, {
      optimizer: fixture.optimizer,
      learningRate: fixture.learningRate,
      ...config,
    });
    expect(Object.keys(after).sort()).toEqual(Object.keys(fixture.tensors).sort());
    expect(distance(losses, fixture.losses)).toBeLessThan(Math.max(1e-4, 2 * fixture.lossError));
    for (const [name, { norm: expectedNorm, entries, torchError }] of Object.entries(fixture.tensors)) {
      const before = network.start[name].data as Float32Array;
      const moved = Float64Array.from(after[name].data as Float32Array, (value, i) => value - before[i]);
      const samples = entries.map((_, i) => moved[Math.floor((i * moved.length) / entries.length)]);
      const error = Math.max(distance(samples, entries), distance([norm(moved)], [expectedNorm]));
      expect(error, name).toBeLessThan(Math.max(1e-3, 2 * torchError));
    }
  });
});
