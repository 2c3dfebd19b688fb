import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { accuracy } from '../metrics/accuracy.ts';
import { Runtime } from '../runtime/node.ts';
import { predict } from '../train/predict.ts';
import { defenderRows, fineTune } from './fine-tune.ts';
import { fineTuning } from './fine-tuning.ts';
import { colours, networkOf, pictures, subjectTrainedOn } from './small-subject.fixture.ts';

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

const dataset = colours;
const everyRow = Int32Array.from({ length: 60 }, (_, i) => i);
const settings = { optimizer: 'sgd', learningRate: 0.02, momentum: 0.9, weightDecay: 0, batchSize: 10 } as const;

/** A network that has learnt wrong labels for all pictures. */
const misled = () => subjectTrainedOn(runtime, pictures(60, { turned: () => true }));

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
    const under = {
      ...(await networkOf('resnet-mini', 'head')),
      start: { ...subject.network.start, ...subject.trained },
    };
    const names = async (trains: 'all' | 'same') => {
      const tuned = await fineTune(
        subject,
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
