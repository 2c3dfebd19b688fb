// Training and evaluation with kept features: the same bits as without.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import type { Tensor } from '../core/tensor.ts';
import { everyRow, type ImageSource, memorySource } from '../data/dataset.ts';
import { FeatureStore, storedFeatures } from '../data/feature-store.ts';
import type { Graph } from '../graph/graph.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { Runtime } from '../runtime/node.ts';
import { badnetsParameters, patchTrigger } from '../triggers/badnets.ts';
import { overlayInGraph } from '../triggers/open.ts';
import { cachedFeatures } from './features.ts';
import { frozenPart } from './frozen-part.ts';
import { createNetwork, type Network } from './network.ts';
import { withTrigger } from './poisoned-set.ts';
import { predict } from './predict.ts';
import { train } from './train.ts';

const root = mkdtempSync(join(tmpdir(), 'features-'));
const runtime = new Runtime({ threads: 1 });
afterAll(async () => {
  await runtime.close();
  rmSync(root, { recursive: true });
});
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(root, 'store-'));
});

const SHAPE = { height: 16, width: 16, channels: 3 } as const;
function pictures(count: number, seed: number): ImageSource {
  const rng = Rng.of(seed, 'pictures');
  const pixels = Uint8Array.from({ length: count * 768 }, () => rng.int(0, 255));
  return memorySource(
    SHAPE,
    pixels,
    Uint16Array.from({ length: count }, (_, row) => row % 3),
  );
}
const source = pictures(48, 0);
const test = pictures(30, 1);

/** Counts the images that pass through a frozen part. */
class Counting extends Runtime {
  images = 0;

  override async open(graph: Graph, options?: { into?: boolean }) {
    const session = await super.open(graph, options);
    if (!graph.name.startsWith('features')) return session;
    const run: typeof session.run = (feeds, outputs) => {
      this.images += feeds.image.shape[0];
      return session.run(feeds, outputs);
    };
    return { ...session, run };
  }
}

interface Setting {
  readonly model: string;
  readonly freeze: string;
  readonly size?: number;
  readonly overlay?: Network['preprocessing']['overlay'];
}

function networkOf({ model, freeze, size = 32, overlay }: Setting, features?: FeatureStore): Promise<Network> {
  const dataset = { classes: ['a', 'b', 'c'], train: source };
  const policy = parseFreeze(freeze);
  return createNetwork({
    model: models.get(model),
    dataset,
    inputSize: size,
    init: 'random',
    freeze: policy,
    seed: 1,
    overlay,
    features,
  });
}
const storeOf = (options: Partial<ConstructorParameters<typeof FeatureStore>[0]> = {}) =>
  new FeatureStore({ directory, limit: 1e9, ...options });

const OPTIONS = {
  optimizer: 'adam',
  learningRate: 0.002,
  momentum: 0,
  weightDecay: 0,
  epochs: 2,
  batchSize: 20,
  seed: 1,
} as const;
const hex = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('hex')]),
  );
const trigger = (stampAt: 'native' | 'input', side: number) =>
  patchTrigger(badnetsParameters.parse({ size: 0.25, position: 'random', stampAt }), {
    ...SHAPE,
    height: side,
    width: side,
  });

describe('the frozen part', () => {
  it.each([
    ['alexnet-mini', 'paper', 512],
    ['alexnet-mini', 'from:8', 2048],
    ['resnet-mini', 'head', 128],
    ['vgg-mini', 'head', undefined],
    ['googlenet-mini', 'head', undefined],
  ])('%s under %s', async (model, freeze, width) => {
    const network = await networkOf({ model, freeze });
    const [training, evaluation] = [frozenPart(network, 'train'), frozenPart(network, 'evaluate')];
    expect(training).toBeDefined();
    if (width !== undefined) expect(training?.width).toBe(width);
    expect(evaluation).toBeDefined();
    if (model === 'alexnet-mini') expect(evaluation?.fingerprint).toBe(training?.fingerprint);
    const other = await networkOf({ model, freeze });
    expect(frozenPart(other, 'train')?.fingerprint).toBe(training?.fingerprint);
  });

  it.each([
    ['alexnet-mini', 'none'],
    ['resnet-mini', 'none'],
    // Batch norms that use the batch begin right after the first convolution.
    ['resnet-mini', 'paper'],
    ['resnet-mini', 'from:36'],
    ['googlenet-mini', 'paper'],
  ])('%s under %s: nothing worth keeping', async (model, freeze) => {
    expect(frozenPart(await networkOf({ model, freeze }), 'train')).toBeUndefined();
  });
});

describe('an image has the same features in every batch and on every number of threads', () => {
  it.each([
    { model: 'alexnet-mini', freeze: 'paper' },
    { model: 'resnet-mini', freeze: 'head' },
    { model: 'alexnet', freeze: 'paper', size: 64 },
  ])('$model', async (setting) => {
    const part = frozenPart(await networkOf(setting), 'train');
    const two = new Runtime({ threads: 2 });
    const compute = async (on: Runtime, rows: number[]) => {
      const image = { dtype: 'uint8', shape: [rows.length, 16, 16, 3], data: source.read(rows) } as const;
      return (await (await on.open(part?.graph as Graph)).run({ image })).features.data as Float32Array;
    };
    const all = await compute(
      runtime,
      Array.from({ length: 33 }, (_, row) => row),
    );
    const width = part?.width ?? 0;
    for (const on of [runtime, two]) {
      for (const rows of [[5], [31, 5], [5, 6, 7, 8, 9, 10, 11]]) {
        const some = await compute(on, rows);
        rows.forEach((row, i) => {
          expect(some.subarray(i * width, (i + 1) * width)).toEqual(all.subarray(row * width, (row + 1) * width));
        });
      }
    }
    await two.close();
  });
});

describe('with a store', () => {
  it.each([
    { model: 'alexnet-mini', freeze: 'paper', stampAt: 'native' as const },
    { model: 'alexnet-mini', freeze: 'paper', stampAt: 'input' as const },
    { model: 'alexnet-mini', freeze: 'head', stampAt: 'native' as const },
    { model: 'resnet-mini', freeze: 'head', stampAt: 'input' as const },
  ])(
    '$model, $freeze, stamped at $stampAt size: the bits of a run without, computing each image once',
    async (setting) => {
      const own = trigger(setting.stampAt, setting.stampAt === 'native' ? 16 : 32);
      const overlay = overlayInGraph(own);
      const poisoned = await withTrigger(source, own, [3, 40, 7], { seed: 1, split: 'train', target: 2 });
      const triggered = await withTrigger(test, own, everyRow(test), { seed: 1, split: 'test' });
      const run = async (on: Runtime, features?: FeatureStore) => {
        const network = await networkOf({ ...setting, overlay }, features);
        const { trained, epochLosses } = await train(on, network, poisoned, OPTIONS);
        const clean = await predict(on, network, trained, test);
        return { trained: hex(trained), epochLosses, clean, attacked: await predict(on, network, trained, triggered) };
      };
      const without = await run(runtime);
      const counting = new Counting({ threads: 1 });
      expect(await run(counting, storeOf())).toEqual(without);
      const first = counting.images;
      expect(first).toBeGreaterThanOrEqual(48 + 30 + 30);
      // Once each, and the few that show that batches do not matter.
      expect(first).toBeLessThan(48 + 30 + 30 + 6 * 5);
      expect(await run(counting, storeOf())).toEqual(without);
      expect(await run(counting, storeOf({ memory: 0 }))).toEqual(without);
      expect(counting.images).toBe(first);
      await counting.close();
    },
  );

  it('adds what a larger rate or another seed poisons, and no more', async () => {
    const counting = new Counting({ threads: 1 });
    const network = await networkOf({ model: 'alexnet-mini', freeze: 'paper' }, storeOf());
    const own = trigger('native', 16);
    const computed = async (rows: number[], seed: number) => {
      const before = counting.images;
      const some = await withTrigger(source, own, rows, { seed, split: 'train' });
      await cachedFeatures(counting, network, 'train', some, everyRow(some));
      return counting.images - before;
    };
    await computed([], 1);
    // Two images and the same again, once together and once alone.
    expect(await computed([1, 2], 1)).toBe(2 + 2 + 1);
    expect(await computed([1, 2, 3], 1)).toBe(1 + 1 + 1);
    expect(await computed([1, 2], 1)).toBe(0);
    await counting.close();
  });

  it('tells how far it is, computing included', async () => {
    const shares: number[] = [];
    const network = await networkOf({ model: 'alexnet-mini', freeze: 'paper' }, storeOf());
    await train(runtime, network, source, { ...OPTIONS, onProgress: (share) => shares.push(share) });
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares[0]).toBeCloseTo(2.4 / 8.4);
    expect(shares.at(-1)).toBe(1);
  });

  it('computes again what is damaged, and keeps nothing of augmented images', async () => {
    const warnings: string[] = [];
    const options = { warn: (message: string) => void warnings.push(message), memory: 0 };
    const setting = { model: 'alexnet-mini', freeze: 'paper' };
    const plain = await train(runtime, await networkOf(setting), source, OPTIONS);
    const network = await networkOf(setting, storeOf(options));
    await train(runtime, network, source, {
      ...OPTIONS,
      augment: { shape: source, atInputSize: false, apply: (pixels) => pixels },
    });
    expect(storedFeatures(directory)).toEqual([]);
    await train(runtime, network, source, OPTIONS);
    const [{ path }] = storedFeatures(directory);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] ^= 64;
    writeFileSync(path, bytes);
    const again = await train(runtime, await networkOf(setting, storeOf(options)), source, OPTIONS);
    expect(hex(again.trained)).toEqual(hex(plain.trained));
    expect(warnings).toHaveLength(1);
  });

  it.each([{ limit: 0 }, { limit: 1000 }])('%j: without room nothing is kept', async (options) => {
    const network = await networkOf({ model: 'alexnet-mini', freeze: 'paper' }, storeOf(options));
    expect(await cachedFeatures(runtime, network, 'train', source, everyRow(source))).toBeUndefined();
    const { trained } = await train(runtime, network, source, { ...OPTIONS, epochs: 1 });
    expect(Object.keys(trained)).toHaveLength(6);
    expect(storedFeatures(directory)).toEqual([]);
  });
});
