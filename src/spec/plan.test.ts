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

/** A rule of `when`. */
const rule = (condition: object, levels: object) =>
  Object.fromEntries([
    ['if', condition],
    ['then', levels],
  ]);
const mended = [{ type: 'mend', rate: [0, 0.3] }, 'sift'];

test('a defended run comes after its base, which it names, and whose weights are kept', () => {
  const { runs, cleanRuns, poisonedRuns, defendedRuns, factors } = plan({ ...base, attack: patch, defenses: mended });
  expect({ cleanRuns, poisonedRuns, defendedRuns }).toEqual({ cleanRuns: 4, poisonedRuns: 8, defendedRuns: 24 });
  const places = new Map(runs.map(({ runId }, at) => [runId, at]));
  expect(places.size).toBe(36);
  for (const [at, { spec, baseId, twinId, keepWeights }] of runs.entries()) {
    if (spec.defense === undefined) {
      expect(keepWeights).toBe(spec.attack.type === 'none' ? undefined : 'all');
      continue;
    }
    expect(twinId).toBeUndefined();
    const found = runs[places.get(baseId ?? '') ?? Number.NaN];
    expect(places.get(found.runId)).toBeLessThan(at);
    expect({ ...found.spec, defense: spec.defense }).toEqual(spec);
    expect(keepWeights).toBeUndefined();
  }
  expect(factors.find(({ field }) => field === 'defense')?.levels).toEqual([
    { value: 'mend', poisoned: 16, clean: 0 },
    { value: 'sift', poisoned: 8, clean: 0 },
    { value: 'none', poisoned: 8, clean: 4 },
  ]);
});

test('bases keep the ids that they have without defences, and naming none changes nothing', () => {
  const ids = (more: object) => plan({ ...base, attack: patch, ...more }).runs.map(({ runId }) => runId);
  expect(ids({ defenses: mended }).slice(0, 12)).toEqual(ids({}));
  expect(ids({ defenses: ['none', ...mended] })).toEqual(ids({ defenses: mended }));
  expect(ids({ defenses: 'none' })).toEqual(ids({}));
  expect(ids({ defenses: { type: 'mend', rate: 0.5, epochs: 3 } })).toEqual(ids({ defenses: 'mend' }));
});

test('clean runs are defended where they are asked for, twins are not', () => {
  const { runs } = plan({ ...base, model: 'resnet-mini', seed: 0, attack: ['none', patch], defenses: 'sift' });
  const shown = runs.map(({ spec, baseId }) => [
    spec.attack.type,
    spec.defense?.type,
    runs.findIndex(({ runId }) => runId === baseId),
  ]);
  expect(shown).toEqual([
    ['none', undefined, -1],
    ['badnets', undefined, -1],
    ['badnets', undefined, -1],
    ['none', 'sift', 0],
    ['badnets', 'sift', 1],
    ['badnets', 'sift', 2],
  ]);
});

test('rules and --set reach the parameters of defences', () => {
  const spec = { ...base, model: 'resnet-mini', seed: 0, attack: { ...patch, poisonRate: 0.01 }, defenses: mended };
  const settings = (given: object, overrides: string[] = []) =>
    planExperiment(experimentFrom(given, { catalog: testCatalog, overrides }), testCatalog).runs.flatMap(
      ({ spec: { defense } }) => (defense ? [defense] : []),
    );
  expect(settings(spec)).toEqual([
    { type: 'mend', rate: 0, epochs: 3 },
    { type: 'mend', rate: 0.3, epochs: 3 },
    { type: 'sift' },
  ]);
  expect(settings({ ...spec, exclude: [{ defense: { rate: 0 } }, { defense: 'sift' }] })).toEqual([
    { type: 'mend', rate: 0.3, epochs: 3 },
  ]);
  const when = [rule({ rate: 0.3 }, { defense: { epochs: [1, 2] } })];
  expect(settings({ ...spec, when })).toHaveLength(4);
  expect(settings(spec, ['defense.rate=0.1', 'defense.epochs=9'])).toEqual([
    { type: 'mend', rate: 0.1, epochs: 9 },
    { type: 'sift' },
  ]);
  expect(settings(spec, ['defenses=sift'])).toEqual([{ type: 'sift' }]);
  // A short name that something else has too means that.
  expect(
    plan({ ...spec, when: [rule({ model: 'resnet-mini' }, { epochs: 7 })] }).runs.map(
      ({ spec: { training } }) => training.epochs,
    ),
  ).toEqual([7, 7, 7, 7, 7]);
});

test('keepWeights is no part of the id', () => {
  const spec = { ...base, attack: patch };
  expect(plan({ ...spec, keepWeights: 'all' }).runs.map(({ runId }) => runId)).toEqual(
    plan(spec).runs.map(({ runId }) => runId),
  );
  expect(plan({ ...spec, keepWeights: 'failed' }).runs.every(({ keepWeights }) => keepWeights === 'failed')).toBe(true);
  expect(plan({ ...spec, keepWeights: 'none' }).runs.some(({ keepWeights }) => keepWeights)).toBe(false);
});
