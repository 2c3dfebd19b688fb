import { describe, expect, it } from 'vitest';
import type { RunSpec } from '../spec/run-spec.ts';
import type { RunRecord } from '../store/records.ts';
import { aggregate, mixedFactors, summarize, uncertaintyOf, unpairedRuns } from './aggregate.ts';
import { compareFactor, factorsAcross, factorsOf, formatFactor } from './factors.ts';
import { observationsOf } from './observations.ts';

const training = {
  optimizer: 'adam',
  learningRate: 0.01,
  momentum: 0,
  weightDecay: 0,
  epochs: 5,
  batchSize: 128,
} as const;
const base: RunSpec = {
  ...{ dataset: 'mnist10k', model: 'b', init: 'random', freeze: 'none', inputSize: 32 },
  ...{ attack: { type: 'none' }, poisonRate: 0, targetClass: 0, training, seed: 1 },
};
const patch = { type: 'badnets', color: 'white', size: 0.1 };
const metrics = { cleanAccuracy: 0.9, asr: null, asrInclusive: null, cleanBaselineAccuracy: null, cad: null };
const more = {
  falseTriggerRate: null,
  naturalAsr: null,
  effectivePixels: null,
  testImages: 2000,
  attackedImages: null,
  epochs: 5,
};

function run(spec: Partial<RunSpec>, asr: number | null = null, status: RunRecord['status'] = 'done'): RunRecord {
  const measured = { ...metrics, ...more, asr, epochLosses: [1], seconds: 1, imagesPerSecond: 1 };
  const times = { startedAt: null, finishedAt: null };
  const rest = { twinId: null, baseId: null, defense: null, environment: null, error: null, experiments: [], ...times };
  return { runId: 'x', spec: { ...base, ...spec }, status, metrics: status === 'done' ? measured : null, ...rest };
}

describe('summarize', () => {
  it('gives the sample standard deviation, and none for one value', () => {
    expect(summarize([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ mean: 5, sd: Math.sqrt(32 / 7), n: 8 });
    expect(summarize([3])).toEqual({ mean: 3, sd: null, n: 1 });
    expect(summarize([])).toBeUndefined();
  });
});

describe('aggregate', () => {
  it('groups finished runs in first-seen order and leaves out what was not measured', () => {
    const attack = { ...patch };
    const groups = aggregate(
      [
        run({ model: 'b', attack }, 0.2),
        run({ model: 'a' }),
        run({ model: 'b', attack }, 0.4),
        run({ model: 'c' }, null, 'failed'),
      ],
      ['model', 'size'],
    );
    expect(groups.map((group) => [group.key, group.n])).toEqual([
      [{ model: 'b', size: 0.1 }, 2],
      [{ model: 'a', size: null }, 1],
    ]);
    expect(groups[0].metrics.asr?.mean).toBeCloseTo(0.3);
    expect(groups[0].metrics.asr?.sd).toBeCloseTo(0.1 * Math.SQRT2);
    expect(groups[1].metrics).not.toHaveProperty('asr');
  });

  it('never puts runs under a defence together with others', () => {
    const attack = patch;
    const defense = { type: 'fine-tuning', budget: 0.1 };
    const runs = [run({ attack }, 0.9), run({ attack, defense }, 0.1), run({ attack, seed: 2 }, 0.7)];
    const [group, ...others] = aggregate(runs, ['size']);
    expect([group.n, others.length]).toEqual([2, 0]);
    expect(group.metrics.asr?.mean).toBeCloseTo(0.8);
    expect(aggregate(runs, ['defense']).map(({ key, n }) => [key.defense, n])).toEqual([
      ['none', 2],
      ['fine-tuning', 1],
    ]);
    expect(aggregate([runs[1]], ['size'])).toHaveLength(1);
    expect(aggregate([...runs, run({ attack, defense: { type: 'other' } }, 0)], [])[0].n).toBe(2);
    expect(observationsOf(runs)).toHaveLength(2);
  });

  it('takes equal lists and objects for equal levels, whatever the order of keys', () => {
    const at = (position: object) => run({ attack: { ...patch, position } }, 0.5);
    expect(aggregate([at({ top: 1, left: 2 }), at({ left: 2, top: 1 }), at([1, 2])], ['position'])).toHaveLength(2);
  });
});

describe('uncertaintyOf', () => {
  it('averages within seeds first, then gives the t interval and the exact bootstrap', () => {
    const values = [
      [1, 0.2],
      [1, 0.4],
      [2, 0.5],
      [3, 0.4],
    ];
    const [group] = aggregate(
      values.map(([seed, asr], at) => run({ attack: { ...patch, size: 0.1 + at / 10 }, seed }, asr)),
      ['model'],
    );
    const found = uncertaintyOf(group, 'asr');
    // Means 0.3, 0.5, 0.4: standard error 0.1/√3, t(2) = 4.3027. The extremes have probability 1/27 > 2.5 % each.
    expect(found?.seeds).toBe(3);
    expect(found?.t?.low).toBeCloseTo(0.4 - (4.302653 * 0.1) / Math.sqrt(3), 6);
    expect(found?.bootstrap?.low).toBeCloseTo(0.3, 12);
    expect(found?.bootstrap?.high).toBeCloseTo(0.5, 12);
    expect(mixedFactors(group)).toEqual(['size']);
  });

  it('has no interval where one seed or two say nothing', () => {
    const [one] = aggregate([run({ attack: patch }, 0.2)], []);
    expect(uncertaintyOf(one, 'asr')).toEqual({ seeds: 1, t: null, bootstrap: null });
    expect(uncertaintyOf(one, 'cad')).toBeUndefined();
    const [two] = aggregate([run({ attack: patch, seed: 1 }, 0.2), run({ attack: patch, seed: 2 }, 0.3)], []);
    expect(uncertaintyOf(two, 'asr')?.t).not.toBeNull();
    expect(uncertaintyOf(two, 'asr')?.bootstrap).toBeNull();
  });
});

describe('unpairedRuns', () => {
  it('finds runs whose twin says something else than they were compared with', () => {
    const twin = { ...run({}), runId: 'twin' };
    const compared = (baseline: number | null) => {
      const one = run({ attack: patch }, 0.5);
      return { ...one, twinId: 'twin', metrics: one.metrics && { ...one.metrics, cleanBaselineAccuracy: baseline } };
    };
    expect(unpairedRuns([twin, compared(0.9)])).toHaveLength(0);
    expect(unpairedRuns([twin, compared(0.8), compared(null), run({ attack: patch }, null, 'failed')])).toHaveLength(2);
  });
});

describe('factors', () => {
  it('tells varying from constant ones; a clean run does not make a factor vary', () => {
    const attack = { ...patch };
    const found = factorsAcross([
      base,
      { ...base, attack, poisonRate: 0.01 },
      { ...base, attack, poisonRate: 0.02, seed: 3 },
    ]);
    expect(found.varying).toEqual(['attack', 'poisonRate']);
    expect(found.constant).toContainEqual(['size', 0.1]);
    expect(found.seeds).toEqual([1, 3]);
  });

  it('tells options of a model from the model', () => {
    const runs = [base, { ...base, model: 'b?dense=64&dropoutAt=after' }, { ...base, model: 'b?dense=64' }];
    expect(factorsOf(runs[1])).toMatchObject({ model: 'b', 'model.dense': 64, 'model.dropoutAt': 'after' });
    expect(factorsOf(base)).toMatchObject({ model: 'b', 'model.dense': 'default' });
    const { varying, constant } = factorsAcross(runs);
    expect(varying).toEqual(['model.dense', 'model.dropoutAt']);
    expect(constant.map(([name]) => name)).not.toContain('model.dropout');
    expect(
      aggregate(
        runs.map((spec) => run(spec)),
        varying,
      ),
    ).toHaveLength(3);
  });

  it('keeps a parameter apart from a field of the run that has its name', () => {
    expect(factorsOf({ ...base, attack: { type: 'other', epochs: 9 } })).toMatchObject({
      epochs: 5,
      'attack.epochs': 9,
    });
  });

  it('lists parameters in one order, however the store gives them back', () => {
    const names = Object.keys(factorsOf({ ...base, attack: { zeta: 1, color: 'white', type: 'badnets', size: 0.1 } }));
    expect(names.filter((name) => ['zeta', 'color', 'size'].includes(name))).toEqual(['size', 'color', 'zeta']);
  });

  it('writes and sorts values as people expect', () => {
    expect(formatFactor('poisonRate', 0.005)).toBe('0.5 %');
    expect(formatFactor('size', 0.07)).toBe('7 %');
    expect(formatFactor('color', [102, 179, 92])).toBe('rgb(102, 179, 92)');
    expect(formatFactor('position', { top: 3, left: 2 })).toBe('left 2, top 3');
    expect(formatFactor('size', null)).toBe('–');
    expect([0.16, null, 0.08].sort(compareFactor)).toEqual([null, 0.08, 0.16]);
    expect(['white', 'none', 'black'].sort(compareFactor)).toEqual(['none', 'black', 'white']);
  });
});
