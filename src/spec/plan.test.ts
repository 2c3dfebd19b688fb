import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { testCatalog } from '../../test/support/spec-catalog.ts';
import { triggers } from '../triggers/registry.ts';
import { experimentFrom, loadExperiment, parseExperiment } from './parse.ts';
import { planExperiment } from './plan.ts';
import { catalogFor } from './references.ts';

const plan = (spec: object) => planExperiment(experimentFrom(spec, { catalog: testCatalog }), testCatalog);
const base = { name: 't', dataset: 'digits', model: ['resnet-mini', 'alexnet-mini'], seed: [0, 1] };
const patch = { type: 'badnets', size: 0.1, poisonRate: [0.01, 0.02] };

test('every poisoned run names its clean twin, which comes before it', () => {
  const { runs, cleanRuns, poisonedRuns } = plan({ ...base, attack: patch });
  expect({ cleanRuns, poisonedRuns }).toEqual({ cleanRuns: 4, poisonedRuns: 8 });
  const byId = new Map(runs.map((run, at) => [run.runId, { ...run, at }]));
  expect(byId.size).toBe(12);
  for (const [at, { spec, twinId }] of runs.entries()) {
    if (spec.attack.type === 'none') {
      expect(twinId).toBeUndefined();
      continue;
    }
    const twin = byId.get(twinId ?? '');
    expect(twin?.at).toBeLessThan(at);
    expect(twin?.spec).toMatchObject({
      model: spec.model,
      seed: spec.seed,
      training: spec.training,
      attack: { type: 'none' },
    });
  }
});

test('the same run has the same id in another experiment', () => {
  const ids = (spec: object) => plan(spec).runs.map(({ runId }) => runId);
  const small = {
    ...base,
    name: 'other',
    description: 'x',
    model: 'resnet-mini',
    seed: 1,
    attack: { ...patch, poisonRate: 0.02, opacity: 1 },
  };
  const all = ids({ ...base, attack: patch });
  expect(ids(small)).toHaveLength(2);
  for (const id of ids(small)) expect(all).toContain(id);
});

test('counts per level', () => {
  const { factors } = plan({ ...base, attack: patch, exclude: [{ model: 'alexnet-mini', poisonRate: 0.01 }] });
  const counts = Object.fromEntries(factors.map(({ field, levels }) => [field, levels]));
  expect(counts.model).toEqual([
    { value: 'resnet-mini', poisoned: 4, clean: 2 },
    { value: 'alexnet-mini', poisoned: 2, clean: 2 },
  ]);
  expect(counts.poisonRate).toEqual([
    { value: 0, poisoned: 0, clean: 4 },
    { value: 0.01, poisoned: 2, clean: 0 },
    { value: 0.02, poisoned: 4, clean: 0 },
  ]);
  expect(counts['attack.size']).toEqual([{ value: 0.1, poisoned: 6, clean: 0 }]);
});

test('a field that some runs leave out is a factor with its usual value', () => {
  const { factors } = plan({ ...base, attack: { ...patch, labels: ['all-to-one', 'clean-label'] } });
  expect(factors.find(({ field }) => field === 'labels')?.levels).toEqual([
    { value: 'clean-label', poisoned: 8, clean: 0 },
    { value: 'all-to-one', poisoned: 8, clean: 0 },
  ]);
  expect(plan({ ...base, attack: patch }).factors.map(({ field }) => field)).not.toContain('labels');
});

test('the shipped suites: what they say they are', () => {
  const count = (file: string, ...more: string[]) => {
    const overrides = ['init=random', ...more];
    const { runs, cleanRuns, poisonedRuns } = planExperiment(loadExperiment(file, { overrides }));
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(runs.length);
    return { cleanRuns, poisonedRuns };
  };
  expect(count('suites/quick.yaml')).toEqual({ cleanRuns: 3, poisonedRuns: 21 });
  expect(count('suites/rates.yaml', 'dataset=mnist10k')).toEqual({ cleanRuns: 3, poisonedRuns: 12 });
  expect(count('suites/proof.yaml')).toEqual({ cleanRuns: 8, poisonedRuns: 32 });
});

test('suites/attacks.yaml has every trigger, and one clean twin for all', async () => {
  const file = 'suites/attacks.yaml';
  const catalog = await catalogFor(file);
  const { runs, cleanRuns } = planExperiment(loadExperiment(file, { catalog }), catalog);
  expect(cleanRuns).toBe(1);
  const types = new Set(runs.map(({ spec }) => spec.attack.type));
  expect([...types].sort()).toEqual(['none', ...triggers.names].sort());
});

test('the example of docs/spec.md comes to what it says', () => {
  const [, example = ''] = /```yaml\n(name: quick[\s\S]*?)```/.exec(readFileSync('docs/spec.md', 'utf8')) ?? [];
  const experiment = parseExperiment(example, 'docs/spec.md', { overrides: ['init=random'] });
  expect(planExperiment(experiment)).toMatchObject({ poisonedRuns: 64 - 16, cleanRuns: 4 });
});

test('30,000 runs are laid out within seconds', () => {
  // Time of this process: on a busy machine the clock says little.
  const begun = process.cpuUsage();
  const { runs } = plan({
    ...base,
    model: 'resnet-mini',
    seed: undefined,
    repeats: 10_000,
    attack: { ...patch, poisonRate: [0.01, 0.02] },
  });
  expect(runs).toHaveLength(30_000);
  expect(process.cpuUsage(begun).user / 1e6).toBeLessThan(30);
});
