import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import type { Tensor } from '../core/tensor.ts';
import { type ImageSource, memorySource } from '../data/dataset.ts';
import type { Graph } from '../graph/graph.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { Runtime } from '../runtime/node.ts';
import type { Feeds, Session } from '../runtime/session.ts';
import { createNetwork, type Network } from './network.ts';
import { predict, seenPixels, type TrainedState } from './predict.ts';
import { type TrainingOptions, train } from './train.ts';

const SHAPE = { height: 8, width: 8, channels: 3 } as const;
const COLORS = [
  [220, 30, 30],
  [30, 220, 30],
  [30, 30, 220],
];
const CLASSES = ['red', 'green', 'blue'];

/** Noisy pictures of three colours. */
function pictures(count: number, seed = 0): ImageSource {
  const rng = Rng.of(seed, 'pictures');
  const labels = Uint16Array.from({ length: count }, (_, row) => row % 3);
  const pixels = Uint8Array.from({ length: count * 192 }, (_, i) => {
    return COLORS[Math.floor(i / 192) % 3][i % 3] + rng.int(-30, 30);
  });
  return memorySource(SHAPE, pixels, labels);
}

const source = pictures(40);
const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

function networkOf(model: string, freeze = 'none', seed = 1): Promise<Network> {
  const dataset = { classes: CLASSES, train: source };
  return createNetwork({
    model: models.get(model),
    dataset,
    inputSize: 32,
    init: 'random',
    freeze: parseFreeze(freeze),
    seed,
  });
}

const ADAM = { optimizer: 'adam', learningRate: 0.002, momentum: 0, weightDecay: 0 } as const;
const options: TrainingOptions = { ...ADAM, epochs: 2, batchSize: 16, seed: 1 };

const bytesOf = (state: TrainedState) =>
  Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('hex')]));

/** A runtime that lets us see what its training steps are fed, as it was: memory is used again. */
class Watched extends Runtime {
  readonly fed: Feeds[] = [];

  override async open(graph: Graph, options?: { into?: boolean }): Promise<Session> {
    const session = await super.open(graph, options);
    const runInto: Session['runInto'] = (feeds, outputs) => {
      const copies = Object.entries(feeds).map(([name, fed]) => [name, { ...fed, data: fed.data.slice() }]);
      this.fed.push(Object.fromEntries(copies));
      return session.runInto(feeds, outputs);
    };
    return { ...session, runInto };
  }
}

async function watched(model: string, changes: Partial<TrainingOptions> = {}): Promise<readonly Feeds[]> {
  const watching = new Watched({ threads: 1 });
  try {
    await train(watching, await networkOf(model), source, { ...options, ...changes });
    return watching.fed;
  } finally {
    await watching.close();
  }
}

describe('training', () => {
  it.each(['resnet-mini', 'alexnet-mini'])('%s: the same bits again, and on two threads', async (model) => {
    const network = await networkOf(model);
    const first = await train(runtime, network, source, options);
    const again = await train(runtime, await networkOf(model), source, options);
    const two = new Runtime({ threads: 2 });
    const threaded = await train(two, network, source, options);
    await two.close();
    expect(again.epochLosses).toEqual(first.epochLosses);
    expect(bytesOf(again.trained)).toEqual(bytesOf(first.trained));
    expect(bytesOf(threaded.trained)).toEqual(bytesOf(first.trained));
    const other = await train(runtime, network, source, { ...options, seed: 2 });
    expect(bytesOf(other.trained)).not.toEqual(bytesOf(first.trained));
  });

  it('learns what can be learnt', async () => {
    const network = await networkOf('resnet-mini');
    const losses: number[] = [];
    const shares: number[] = [];
    const { trained, epochLosses } = await train(runtime, network, source, {
      ...options,
      epochs: 6,
      onEpoch: (epoch, loss) => void losses.push(epoch, loss),
      onProgress: (share) => shares.push(share),
    });
    expect(losses).toEqual(epochLosses.flatMap((loss, i) => [i + 1, loss]));
    expect(epochLosses[5]).toBeLessThan(0.3 * epochLosses[0]);
    expect(shares).toEqual(Array.from({ length: 18 }, (_, i) => (i + 1) / 18));
    const test = pictures(60, 9);
    const predicted = await predict(runtime, network, trained, test);
    const right = predicted.filter((label, row) => label === test.labels[row]).length;
    expect(right).toBeGreaterThan(57);
  });

  it('changes what the freeze policy says and leaves the rest', async () => {
    const { trained } = await train(runtime, await networkOf('resnet-mini', 'head'), source, options);
    expect(Object.keys(trained).sort()).toEqual(['fc.bias', 'fc.weight']);
    const network = await networkOf('resnet-mini', 'paper');
    const paper = await train(runtime, network, source, options);
    expect(Object.keys(paper.trained).sort()).toEqual([...network.trainable.parameters, ...network.buffers].sort());
    for (const [name, { data }] of Object.entries(paper.trained))
      expect(data, name).not.toEqual(network.start[name].data);
  });

  it('passes every row once in an epoch, in a new order each time, with its label', async () => {
    const fed = await watched('alexnet-mini');
    expect(fed.map(({ labels }) => labels.shape[0])).toEqual([16, 16, 8, 16, 16, 8]);
    const key = (feeds: Feeds, i: number) =>
      `${(feeds.image.data as Uint8Array).subarray(i * 192, (i + 1) * 192).join()} ${feeds.labels.data[i]}`;
    const epoch = (batches: readonly Feeds[]) =>
      batches.flatMap((feeds) => Array.from({ length: feeds.labels.data.length }, (_, i) => key(feeds, i)));
    const expected = Array.from({ length: 40 }, (_, row) => `${source.read([row]).join()} ${source.labels[row]}`);
    const [one, two] = [epoch(fed.slice(0, 3)), epoch(fed.slice(3))];
    expect([...one].sort()).toEqual([...expected].sort());
    expect([...two].sort()).toEqual([...expected].sort());
    expect(one).not.toEqual(two);
  });

  it('keeps four fifths of the inputs of alexnet-mini’s dense layers, others at every step', async () => {
    const fed = await watched('alexnet-mini');
    const { info } = await networkOf('alexnet-mini');
    const width = info.parameters.find(({ name }) => name === 'classifier.1.weight')?.shape[1];
    const masks = fed.map((feeds) => feeds['mask/classifier.0'] as Tensor<'uint8'>);
    expect(masks.map(({ shape }) => shape)).toEqual([16, 16, 8, 16, 16, 8].map((rows) => [rows, width]));
    const kept = masks.flatMap(({ data }) => [...data]);
    expect([...new Set(kept)].sort()).toEqual([0, 1]);
    expect(Math.abs(kept.reduce((sum, keep) => sum + keep, 0) / kept.length - 0.8)).toBeLessThan(0.02);
    const agreement = masks[0].data.filter((keep, i) => keep === masks[1].data[i]).length / masks[0].data.length;
    // Two independent masks agree on 0.8² + 0.2² of their places.
    expect(Math.abs(agreement - 0.68)).toBeLessThan(0.05);
    expect(fed[0]['mask/classifier.3'].data).not.toEqual(masks[0].data);
  });

  it('drops out at the rate of the layer', async () => {
    const model = models.get('alexnet-mini');
    const architecture = {
      ...model.architecture,
      forward: ((layers, image, classes) => {
        const dropout = layers.dropout.bind(layers);
        layers.dropout = (name, x) => dropout(name, x, 0.4);
        return model.architecture.forward(layers, image, classes);
      }) satisfies typeof model.architecture.forward,
    };
    const network = { ...(await networkOf('alexnet-mini')), model: { ...model, architecture } };
    const watching = new Watched({ threads: 1 });
    await train(watching, network, source, { ...options, epochs: 1 });
    await watching.close();
    const kept = watching.fed.flatMap((feeds) => [...(feeds['mask/classifier.0'] as Tensor<'uint8'>).data]);
    expect(Math.abs(kept.reduce((sum, keep) => sum + keep, 0) / kept.length - 0.6)).toBeLessThan(0.02);
  });

  it('follows the schedule, and feeds what augmentation leaves', async () => {
    const seen: number[][] = [];
    const fed = await watched('alexnet-mini', {
      optimizer: 'sgd',
      momentum: 0.9,
      learningRate: 1,
      schedule: (step, steps) => {
        seen.push([step, steps]);
        return 0.001 * (step + 1);
      },
      augment: { shape: source, atInputSize: false, apply: (pixels) => pixels.map(() => 9) },
    });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5].map((step) => [step, 6]));
    fed.forEach((feeds, step) => {
      expect(feeds['scalar/learning_rate'].data[0]).toBe(Math.fround(0.001 * (step + 1)));
      expect((feeds.image.data as Uint8Array).every((level) => level === 9)).toBe(true);
    });
    expect(source.read([0])).toEqual(pictures(40).read([0]));
  });

  it.each([
    ['in its loss', { learningRate: 1e10, epochs: 3 }],
    ['in the very last step', { learningRate: 1e38, epochs: 1, batchSize: 40 }],
  ])('says so when it diverges %s', async (_, changes) => {
    const network = await networkOf('alexnet-mini');
    const sgd = { optimizer: 'sgd', momentum: 0, weightDecay: 1e3 } as const;
    await expect(train(runtime, network, source, { ...options, ...sgd, ...changes })).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/^training diverged: /),
      hint: expect.stringContaining('learningRate'),
    });
  });
});

describe('predict', () => {
  it('says the same of an image whatever batch it is in', async () => {
    const network = await networkOf('resnet-mini');
    const { trained } = await train(runtime, network, source, options);
    const many = pictures(300, 4);
    const all = await predict(runtime, network, trained, many);
    expect(all).toHaveLength(300);
    expect(new Set(all).size).toBe(3);
    const two = new Runtime({ threads: 2 });
    expect(await predict(two, network, trained, many)).toEqual(all);
    await two.close();
    const some = Int32Array.of(299, 0, 257, 256, 255, 7, 7);
    const picked = await predict(runtime, network, trained, many, some);
    expect([...picked]).toEqual([...some].map((row) => all[row]));
    for (const row of [0, 255, 299]) {
      expect([...(await predict(runtime, network, trained, many, [row]))]).toEqual([all[row]]);
    }
    expect(await predict(runtime, network, trained, many, [])).toHaveLength(0);
  });

  it('takes the first class where several tie', async () => {
    const network = await networkOf('resnet-mini');
    const zero = (name: string) => ({
      ...network.start[name],
      data: new Float32Array(network.start[name].data.length),
    });
    const flat = { ...network.start, 'fc.weight': zero('fc.weight'), 'fc.bias': zero('fc.bias') };
    expect([...(await predict(runtime, network, flat, source, [0, 1, 2]))]).toEqual([0, 0, 0]);
  });

  it('refuses to speak for a network that answers with infinities or NaN', async () => {
    const network = await networkOf('alexnet-mini');
    const huge = Object.entries(network.start).map(([name, { data, ...rest }]) => {
      return [name, { ...rest, data: (data as Float32Array).map((value) => 1e8 * value) }] as const;
    });
    await expect(predict(runtime, network, Object.fromEntries(huge), source)).rejects.toMatchObject({
      kind: 'failed',
      message: 'the trained network answers with numbers that are not finite',
    });
  });

  it('sees pixels in [0, 1] at input size', async () => {
    const pixels = await seenPixels(runtime, await networkOf('alexnet-mini', 'head'), source, [0, 39]);
    expect(pixels.shape).toEqual([2, 3, 32, 32]);
    expect((pixels.data as Float32Array).every((level) => level >= 0 && level <= 1)).toBe(true);
    expect(Number(pixels.data[0])).toBeCloseTo(source.read([0])[0] / 255, 6);
  });
});

describe('evaluation mode after the first epoch', () => {
  const sgd = { ...options, optimizer: 'sgd', momentum: 0.9, learningRate: 0.01, epochs: 3 } as const;
  const statesOf = async (model: string, modeAfterFirstEpoch?: 'train' | 'eval') => {
    const states: TrainedState[] = [];
    const onEpoch = (_epoch: number, _loss: number, state: () => TrainedState) => void states.push(state());
    const { epochLosses } = await train(runtime, await networkOf(model), source, {
      ...sgd,
      modeAfterFirstEpoch,
      onEpoch,
    });
    return { states, epochLosses };
  };
  const values = (state: TrainedState, pattern: RegExp) =>
    Object.entries(state).flatMap(([name, { data }]) => (pattern.test(name) ? [...(data as Float32Array)] : []));

  it('keeps running statistics from then on, and goes on training', async () => {
    const [plain, still] = [await statesOf('resnet-mini'), await statesOf('resnet-mini', 'eval')];
    const [first, second, third] = still.states;
    expect(first).toEqual(plain.states[0]);
    expect(values(first, /running/).length).toBeGreaterThan(100);
    for (const state of [second, third]) expect(values(state, /running/)).toEqual(values(first, /running/));
    expect(values(plain.states[1], /running/)).not.toEqual(values(first, /running/));
    for (const kind of [/^fc/, /bn1/]) expect(values(third, kind)).not.toEqual(values(second, kind));
    expect(still.epochLosses[0]).toBe(plain.epochLosses[0]);
    expect(still.epochLosses[1]).not.toBe(plain.epochLosses[1]);
  });

  it('feeds no dropout masks from then on', async () => {
    const [plain, still] = [await statesOf('alexnet-mini'), await statesOf('alexnet-mini', 'eval')];
    expect(still.states[0]).toEqual(plain.states[0]);
    expect(still.epochLosses[2]).not.toBe(plain.epochLosses[2]);
  });
});
