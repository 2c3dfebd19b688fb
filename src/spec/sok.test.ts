import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadExperiment } from './parse.ts';
import { planExperiment, sharedTwins } from './plan.ts';
import { catalogFor } from './references.ts';

test('the paper’s matrix has the paper’s counts, with green on MNIST and without', () => {
  const sok = (...overrides: string[]) => planExperiment(loadExperiment('suites/sok.yaml', { overrides }));
  const whole = sok();
  expect(whole).toMatchObject({ poisonedRuns: 11_120, cleanRuns: 60 });
  expect(sharedTwins(whole)).toEqual({ twins: 60, sharedBy: 11_120, runsSaved: 11_060 });
  expect(new Set(whole.runs.map(({ runId }) => runId)).size).toBe(11_180);
  expect(whole.factors.find(({ field }) => field === 'attack.type')?.levels).toEqual([
    { value: 'none', poisoned: 0, clean: 60 },
    { value: 'badnets', poisoned: 10_800, clean: 0 },
    { value: 'wanet', poisoned: 160, clean: 0 },
    { value: 'ssba', poisoned: 160, clean: 0 },
  ]);
  expect(whole.missingWeights.map(({ model }) => model)).toEqual(['alexnet', 'googlenet', 'vgg19_bn', 'resnet152']);
  const [, withoutGreen = ''] = /--set '(exclude=.*)'/.exec(readFileSync('suites/sok.yaml', 'utf8')) ?? [];
  expect(sok(withoutGreen)).toMatchObject({ poisonedRuns: 9_920, cleanRuns: 60 });
});

test('the AlexNet freeze study has the paper’s 1,800 models', () => {
  const { runs, poisonedRuns, factors } = planExperiment(loadExperiment('suites/alexnet-freeze.yaml'));
  expect(poisonedRuns).toBe(1_800);
  expect(new Set(runs.map(({ runId }) => runId)).size).toBe(1_950);
  const freeze = factors.find(({ field }) => field === 'freeze')?.levels.map(({ value }) => value);
  expect(freeze).toEqual(Array.from({ length: 15 }, (_, at) => `from:${14 - at}`));
});

test('its small editions on alexnet-mini: every boundary, and a factorial of dropout and width', async () => {
  const plan = async (file: string) => {
    const catalog = await catalogFor(file);
    return planExperiment(loadExperiment(file, { catalog }), catalog);
  };
  expect(await plan('suites/alexnet-freeze-mini.yaml')).toMatchObject({ poisonedRuns: 180, cleanRuns: 45 });
  const { factors, ...counts } = await plan('suites/alexnet-dropout.yaml');
  expect(counts).toMatchObject({ poisonedRuns: 45, cleanRuns: 45 });
  const levels = (name: string) =>
    factors.find(({ field }) => field === name)?.levels.map(({ value, poisoned }) => [value, poisoned]);
  expect(levels('model')).toEqual([['alexnet-mini', 45]]);
  expect(levels('model.dense')).toEqual([32, 128, 512].map((width) => [width, 15]));
  expect(levels('model.dropout')).toEqual([
    [0, 15],
    [0.5, 30],
  ]);
  expect(levels('model.dropoutAt')).toEqual([
    ['after', 15],
    ['default', 30],
  ]);
});
