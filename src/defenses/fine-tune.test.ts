import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { type Dataset, memorySource } from '../data/dataset.ts';
import { accuracy } from '../metrics/accuracy.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { Runtime } from '../runtime/node.ts';
import { createNetwork } from '../train/network.ts';
import { predict } from '../train/predict.ts';
import { train } from '../train/train.ts';
import type { DefenseSubject } from './defense.ts';
import { defenderRows, fineTune } from './fine-tune.ts';
import { fineTuning } from './fine-tuning.ts';

const SHAPE = { height: 8, width: 8, channels: 3 } as const;
const COLORS = [
  [220, 30, 30],
  [30, 220, 30],
  [30, 30, 220],
];

/** Noisy pictures of three colours; `turned`: the first so many have the label of the next colour. */
function pictures(count: number, turned = 0) {
  const rng = Rng.of(count, 'pictures');
  const labels = Uint16Array.from({ length: count }, (_, row) => (row + (row < turned ? 1 : 0)) % 3);
  const pixels = Uint8Array.from(
    { length: count * 192 },
    (_, i) => COLORS[Math.floor(i / 192) % 3][i % 3] + rng.int(-30, 30),
  );
  return memorySource(SHAPE, pixels, labels);
}

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

const dataset: Dataset = { name: 'c', classes: ['red', 'green', 'blue'], train: pictures(60), test: pictures(30) };
const everyRow = Int32Array.from({ length: 60 }, (_, i) => i);
const settings = { optimizer: 'sgd', learningRate: 0.02, momentum: 0.9, weightDecay: 0, batchSize: 10 } as const;

/** A network that has learnt wrong labels for all pictures. */
async function misled(): Promise<DefenseSubject> {
  const network = await createNetwork({
    ...{
      model: models.get('resnet-mini'),
      dataset,
      inputSize: 32,
      init: 'random',
      freeze: parseFreeze('none'),
      seed: 1,
    },
  });
  const adam = { optimizer: 'adam', learningRate: 0.003, momentum: 0, weightDecay: 0, seed: 1 } as const;
  const { trained } = await train(runtime, network, pictures(60, 60), { ...adam, epochs: 3, batchSize: 10 });
  return { runtime, network, trained, dataset, cleanRows: everyRow, seed: 1 };
}

describe('defenderRows', () => {
  const holdings = (cleanRows: Int32Array, seed = 1) => ({ dataset, cleanRows, seed });

  it('draws clean rows evenly by class, the same for a seed, nested in larger budgets', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 99 }), (perClass, seed) => {
        const rows = defenderRows(holdings(everyRow, seed), (3 * perClass) / 60);
        expect([0, 1, 2].map((c) => rows.filter((row) => dataset.train.labels[row] === c).length)).toEqual([
          perClass,
          perClass,
          perClass,
        ]);
        expect(new Set(rows).size).toBe(rows.length);
        expect([...rows]).toEqual([...rows].sort((a, b) => a - b));
        expect(defenderRows(holdings(everyRow, seed), (3 * perClass) / 60)).toEqual(rows);
        const all = new Set(defenderRows(holdings(everyRow, seed), 1));
        expect(rows.every((row) => all.has(row))).toBe(true);
      }),
      { numRuns: 30 },
    );
    expect(defenderRows(holdings(everyRow, 1), 0.5)).not.toEqual(defenderRows(holdings(everyRow, 2), 0.5));
  });

  it('takes none that the attack changed, and says so when there are too few or none', () => {
    const clean = everyRow.filter((row) => row % 2 === 0);
    expect(defenderRows(holdings(clean), 0.5)).toEqual(clean);
    expect(() => defenderRows(holdings(clean), 0.6)).toThrow(/36 of 60 training images, and 30 are clean/);
    expect(() => defenderRows(holdings(clean), 0.001)).toThrow(/is 0 of 60/);
  });
});

describe('fine-tuning', () => {
  it('puts right what a network was misled to, repeats to the bit, and counts its passes', async () => {
    const subject = await misled();
    const { network, trained } = subject;
    const right = async (state = trained, of = network) =>
      accuracy(await predict(runtime, of, state, dataset.test), dataset.test.labels);
    expect(await right()).toBeLessThan(0.1);
    const parameters = fineTuning.parameters.parse({ ...settings, budget: 0.5, epochs: 6 });
    const first = await fineTuning.run(subject, parameters, {});
    expect(first.cost).toEqual({ forwardPasses: 180, backwardPasses: 180 });
    expect(first.metrics).toEqual({ defenderImages: 30 });
    const { repaired } = first;
    expect(await right(repaired?.trained, repaired?.network)).toBeGreaterThan(0.9);
    const second = await fineTuning.run(subject, parameters, {});
    expect(second.repaired?.trained).toEqual(repaired?.trained);
    // What it was given is as before.
    expect(await right()).toBeLessThan(0.1);
  });

  it('trains everything, or what the run trained', async () => {
    const subject = await misled();
    const head = { ...subject, network: { ...subject.network } };
    const under = await createNetwork({
      ...{
        model: models.get('resnet-mini'),
        dataset,
        inputSize: 32,
        init: 'random',
        freeze: parseFreeze('head'),
        seed: 1,
      },
      start: { ...subject.network.start, ...subject.trained },
    });
    const names = async (trains: 'all' | 'same') => {
      const tuned = await fineTune(
        head,
        { network: under, trained: {} },
        { ...settings, budget: 0.2, epochs: 1, trains },
        {},
      );
      return Object.keys(tuned.classifier.trained);
    };
    expect(await names('same')).toEqual(['fc.weight', 'fc.bias']);
    expect((await names('all')).length).toBeGreaterThan(40);
  });

  it('stops when it is told to', async () => {
    const subject = await misled();
    const stop = () => {
      throw new Error('enough');
    };
    const parameters = fineTuning.parameters.parse({ ...settings });
    await expect(fineTuning.run(subject, parameters, { checkStop: stop })).rejects.toThrow('enough');
  });
});
