import { expect, test } from 'vitest';
import { installed } from '../../spec/catalog.ts';
import { experimentFrom } from '../../spec/parse.ts';
import { planExperiment } from '../../spec/plan.ts';
import { networksOf } from './measure.ts';
import { type PlannedWork, workOf } from './work.ts';

const [TRAIN, TEST] = [8000, 2000];
const spec = {
  name: 't',
  dataset: 'mnist10k',
  model: 'alexnet-mini',
  freeze: 'paper',
  seed: [0, 1],
  training: { epochs: 3, batchSize: 64 },
  attack: { type: 'badnets', size: [0.1, 0.2], color: 'white', poisonRate: [0.01, 0.02] },
};

function work(changes: object = {}, keeping = true): Promise<PlannedWork> {
  return workOf(planExperiment(experimentFrom({ ...spec, ...changes })), installed, keeping);
}

const groupsOf = ({ groups }: PlannedWork) =>
  groups.map(({ clean, runs, cached, epochs }) => ({ clean, runs, cached, epochs }));

test('mnist10k is what the counts below take it for', () => {
  const { train, test } = installed.datasets.get('mnist10k').classCounts ?? { train: [], test: [] };
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  expect([sum(train), sum(test)]).toEqual([TRAIN, TEST]);
});

test('runs by network, and every image of a frozen part once: clean ones, triggered ones, poisoned rows of the largest rate', async () => {
  const planned = await work();
  expect(groupsOf(planned)).toEqual([
    { clean: true, runs: 2, cached: true, epochs: 3 },
    { clean: false, runs: 8, cached: true, epochs: 3 },
  ]);
  const [features] = planned.features;
  const triggers = 2;
  expect(features.images).toBe(TRAIN + TEST + triggers * (TEST + 2 * 0.02 * TRAIN));
  expect(features.alone).toBe(2 * (TRAIN + TEST) + 8 * (TRAIN + 2 * TEST));
  expect(features.anew).toBe(2 * (3 * TRAIN + TEST) + 8 * (3 * TRAIN + 3 * TEST));
  expect(planned.poisonRecords).toEqual({ files: 4, rows: 2 * (0.01 + 0.02) * TRAIN });
  expect(planned.uncounted).toEqual([]);
});

test('a trigger that is drawn anew for each seed has test images of its own for each', async () => {
  const attack = { type: 'badnets', size: 0.1, color: 'white', position: 'random', poisonRate: 0.01 };
  const [{ images }] = (await work({ attack })).features;
  expect(images).toBe(TRAIN + TEST + 2 * (TEST + 0.01 * TRAIN));
});

test('nothing is kept of networks that train from the start, of drawn images in training, or without a feature store', async () => {
  expect((await work({ model: 'resnet-mini' })).features).toEqual([]);
  const drawn = await work({ augmentation: { flip: 0.5 } });
  expect(drawn.groups.every(({ cached }) => !cached)).toBe(true);
  expect(drawn.features[0].images).toBe(TEST + 2 * TEST);
  const off = await work({}, false);
  expect(off.features).toEqual([]);
  expect(off.groups.every(({ cached, network }) => !cached && network.frozen !== undefined)).toBe(true);
});

test('runs under a defence are left out, their bases are not', async () => {
  const planned = await work({ defenses: [{ type: 'fine-tuning' }] });
  expect(groupsOf(planned).map(({ runs }) => runs)).toEqual([2, 8]);
});

test('the networks of a plan are measured once each', () => {
  const plan = planExperiment(experimentFrom({ ...spec, model: ['alexnet-mini', 'resnet-mini'] }));
  expect(networksOf(plan, installed)).toEqual(
    ['alexnet-mini', 'resnet-mini'].map((model) => ({
      ...{ model, freeze: 'paper', inputSize: 32, batch: 64 },
      shape: { height: 28, width: 28, channels: 1 },
    })),
  );
});
