// Updates by blocks against the plain ones, and large parameters through the whole training loop.
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { filled, float32, sizeOf, type Tensor } from '../core/tensor.ts';
import { memorySource } from '../data/dataset.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { gemm } from '../graph/ops/gemm.ts';
import { mul } from '../graph/ops/mul.ts';
import { reshape } from '../graph/ops/reshape.ts';
import { alexNet } from '../models/alexnet.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { vgg } from '../models/vgg.ts';
import { Runtime } from '../runtime/node.ts';
import { updateInBlocks } from './block-update.ts';
import { createNetwork } from './network.ts';
import { type OptimizerConfig, optimizer } from './optimizers.ts';
import { isLarge } from './packing.ts';
import type { TrainedState } from './predict.ts';
import type { Stepping } from './stepping.ts';
import { train } from './train.ts';
import { type TrainStep, trainStep } from './train-step.ts';

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

const ADAM = { optimizer: 'adam', learningRate: 0.01, momentum: 0, weightDecay: 0 } as const;
const CONFIGS: readonly OptimizerConfig[] = [
  ADAM,
  { ...ADAM, weightDecay: 0.1 },
  { ...ADAM, optimizer: 'sgd' },
  { ...ADAM, optimizer: 'sgd', momentum: 0.9, weightDecay: 0.01 },
];

/** As `stepping`, without any state in place. */
async function throughResults(runtime: Runtime, step: TrainStep, start: Record<string, Tensor>): Promise<Stepping> {
  const session = await runtime.open(step.graph);
  const outputs = ['loss', ...step.state.map((name) => `next/${name}`)];
  let state = start;
  return {
    state: () => state,
    async step(feeds) {
      const out = await session.run({ ...state, ...feeds }, outputs);
      state = Object.fromEntries(step.state.map((name) => [name, out[`next/${name}`]]));
      return Number(out.loss.data[0]);
    },
  };
}

const random = (name: string, shape: readonly number[]): Tensor => {
  const rng = Rng.of(0, name);
  return float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => rng.int(-1000, 1000) / 500),
  );
};
const positive = (value: Tensor): Tensor => float32(value.shape, Array.from(value.data as Float32Array, Math.abs));

describe('updateInBlocks', () => {
  it.each(CONFIGS.flatMap((config) => [true, false].map((product) => ({ ...config, product }))))(
    '%j: the numbers of the plain update',
    async ({ product, ...config }) => {
      const method = optimizer(config);
      const graph = new Graph();
      const [dy, x] = [graph.input('dy', 'float32', ['N', 6]), graph.input('x', 'float32', ['N', 5])];
      const parameter = graph.input('parameter', 'float32', [3, 2, 5]);
      const slots = Object.fromEntries(method.slots.map((slot) => [slot, graph.input(slot, 'float32', [3, 2, 5])]));
      const scalars = Object.fromEntries(method.scalars.map((name) => [name, graph.input(name, 'float32', [])]));
      const dense = gemm(dy, x, undefined, { transA: true });
      const gradient = product ? dense : mul(dense, graph.scalar(1));
      const blocks = updateInBlocks(method, { parameter, slots, gradient, scalars });
      const plain = (value: Value) => reshape(value, [6, 5]);
      const whole = method.update(
        plain(parameter),
        gradient,
        Object.fromEntries(Object.entries(slots).map(([slot, value]) => [slot, plain(value)])),
        scalars,
      );
      graph.output('blocks', blocks.parameter);
      graph.output('whole', whole.parameter);
      for (const slot of method.slots) {
        graph.output(`blocks ${slot}`, blocks.state[slot]);
        graph.output(`whole ${slot}`, whole.state[slot]);
      }
      const fed = method.feed(3, config.learningRate);
      const session = await runtime.open(graph);
      const out = await session.run({
        dy: random('dy', [4, 6]),
        x: random('x', [4, 5]),
        parameter: random('parameter', [3, 2, 5]),
        ...Object.fromEntries(method.slots.map((slot) => [slot, positive(random(slot, [3, 2, 5]))])),
        ...Object.fromEntries(method.scalars.map((name, i) => [name, filled([], fed[i])])),
      });
      for (const name of ['', ...method.slots.map((slot) => ` ${slot}`)])
        expect([...(out[`blocks${name}`].data as Float32Array)]).toEqual([
          ...(out[`whole${name}`].data as Float32Array),
        ]);
      expect(out.blocks.data).not.toEqual(random('parameter', [3, 2, 5]).data);
    },
  );
});

describe('a network with large dense layers', () => {
  const source = memorySource(
    { height: 32, width: 32, channels: 3 },
    Uint8Array.from(random('pixels', [24 * 3072]).data as Float32Array, (value) => 60 * (value + 2)),
    Uint16Array.from({ length: 24 }, (_, i) => i % 3),
  );
  const architecture = alexNet({
    stem: { channels: 8, kernel: 3, stride: 1, pad: 1 },
    channels: [8, 16, 16, 64],
    secondKernel: 3,
    poolPad: 1,
    dense: 1024,
    dropout: 0.5,
    dropoutAt: 'before',
    initializer: { kind: 'uniform' },
  });
  const networkOf = () =>
    createNetwork({
      model: { ...models.get('alexnet-mini'), architecture },
      dataset: { classes: ['a', 'b', 'c'], train: source },
      inputSize: 32,
      init: 'random',
      freeze: parseFreeze('paper'),
      seed: 1,
    });
  const options = { ...ADAM, learningRate: 0.001, epochs: 1, batchSize: 8, seed: 1 };

  it.each([{ ...options }, { ...options, optimizer: 'sgd' as const, momentum: 0.9, weightDecay: 5e-4 }])(
    '$optimizer: written in place, the same bits as through results, on one thread and two',
    async (config) => {
      const network = await networkOf();
      expect(network.packs.filter(isLarge)).toHaveLength(2);
      const step = trainStep(network, optimizer(config));
      expect(step.inPlace.length).toBe(2 * (1 + optimizer(config).slots.length));
      const inPlace = await train(runtime, network, source, config);
      const moving = await train(runtime, network, source, config, throughResults);
      expect(inPlace.epochLosses).toEqual(moving.epochLosses);
      const two = new Runtime({ threads: 2 });
      const threaded = await train(two, network, source, config);
      await two.close();
      const same = (a: Tensor, b: Tensor) => Buffer.from(a.data.buffer).equals(Buffer.from(b.data.buffer));
      const { start } = await networkOf();
      for (const [name, values] of Object.entries(moving.trained)) {
        expect(same(inPlace.trained[name], values), name).toBe(true);
        expect(same(threaded.trained[name], values), name).toBe(true);
        expect(same(network.start[name], values), `${name} moves`).toBe(false);
        expect(same(network.start[name], start[name]), `${name} at the start`).toBe(true);
      }
    },
  );

  it('leaves the network it starts from, and the states it has handed out, as they are', async () => {
    const normed = vgg({
      stages: [[8], [64]],
      batchNorm: true,
      mapSide: 4,
      dense: 1024,
      dropout: 0,
      dropoutAt: 'after',
      denseInitializer: { kind: 'kaiming-uniform' },
    });
    const network = await createNetwork({
      model: { ...models.get('vgg-mini'), architecture: normed },
      dataset: { classes: ['a', 'b', 'c'], train: source },
      inputSize: 32,
      init: 'random',
      freeze: parseFreeze('none'),
      seed: 1,
    });
    expect(network.packs.some(isLarge)).toBe(true);
    const running = 'features.1.running_mean';
    const states: number[][] = [];
    const handed: TrainedState[] = [];
    const note = (state: TrainedState) => states.push([...(state[running].data as Float32Array)]);
    await train(runtime, network, source, {
      ...options,
      epochs: 3,
      onEpoch(_, __, state) {
        handed.push(state());
        note(handed[handed.length - 1]);
      },
    });
    expect([...(network.start[running].data as Float32Array)]).toEqual(new Array(8).fill(0));
    expect(handed.map((state) => [...(state[running].data as Float32Array)])).toEqual(states);
    expect(states[0]).not.toEqual(states[1]);
    expect(states[1]).not.toEqual(states[2]);
  });
});
