import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testCatalog } from '../../test/support/spec-catalog.ts';
import { designLines } from './describe-design.ts';
import { experimentFrom } from './parse.ts';
import { planExperiment } from './plan.ts';
import type { RunSpec } from './run-spec.ts';

const base = {
  name: 'parts',
  dataset: 'digits',
  model: 'resnet-mini',
  attack: { type: 'badnets', size: [0.1, 0.2], color: ['white', 'black'], poisonRate: [0.01, 0.02] },
};
const planOf = (more: object, overrides: string[] = []) =>
  planExperiment(experimentFrom({ ...base, ...more }, { catalog: testCatalog, overrides }), testCatalog);
const poisoned = (more: object) => planOf(more).runs.flatMap(({ spec }) => (spec.attack.type === 'none' ? [] : [spec]));
const trained = ({ training: { optimizer, learningRate, epochs } }: RunSpec) => [optimizer, learningRate, epochs];

describe('zip', () => {
  const training = { optimizer: ['adam', 'sgd'], learningRate: [0.001, 0.1], epochs: [1, 2, 3] };

  it('varies fields together, the rest as ever, and settings of training are factors', () => {
    const runs = poisoned({ training, zip: ['training.optimizer', 'learningRate'] });
    expect(runs).toHaveLength(8 * 2 * 3);
    expect(new Set(runs.map((run) => trained(run).slice(0, 2).join()))).toEqual(new Set(['adam,0.001', 'sgd,0.1']));
    expect(poisoned({ training })).toHaveLength(8 * 2 * 2 * 3);
    expect(poisoned({ training, zip: [['optimizer', 'learningRate']] })).toEqual(runs);
  });

  it('takes fields of attacks and the seed, and lets clean blocks have what they have', () => {
    const attack = [{ ...base.attack, size: [0.1, 0.2, 0.3] }, { type: 'none' }];
    const plan = planOf({ attack, training: { epochs: [1, 2, 3] }, zip: ['size', 'epochs'], seed: [0, 1] });
    expect([plan.poisonedRuns, plan.cleanRuns]).toEqual([3 * 4 * 2, 6]);
  });

  it('refuses other lengths, unknown fields, and fields that only some runs have', () => {
    const zip =
      (fields: unknown, more = {}) =>
      () =>
        planOf({ training, zip: fields, ...more });
    expect(zip(['optimizer', 'epochs'])).toThrow(/differ in length \(training.optimizer 2, training.epochs 3\)/);
    expect(zip(['optimizer', 'epoch'])).toThrow(/unknown field "epoch"/);
    expect(zip(['optimizer'])).toThrow(/at least two fields/);
    expect(
      zip([
        ['optimizer', 'learningRate'],
        ['epochs', 'learningRate'],
      ]),
    ).toThrow(/learningRate is named twice/);
    expect(zip(['strength', 'optimizer'])).toThrow(/no run has the field strength/);
    const attack = [base.attack, { type: 'warp', poisonRate: 0.01 }];
    expect(zip(['size', 'optimizer'], { attack })).toThrow(/warp has no attack.size/);
  });
});

describe('sample', () => {
  const many = { model: ['resnet-mini', 'alexnet-mini'], training: { epochs: [1, 2, 3, 4, 5] }, repeats: 4 };
  const all = 8 * 2 * 5 * 4;

  it('takes so many of the attacked runs, and their twins with them', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('random', 'sobol'),
        fc.integer({ min: 1, max: all }),
        fc.nat({ max: 5 }),
        (method, runs, seed) => {
          const whole = new Set(planOf(many).runs.map(({ runId }) => runId));
          const plan = planOf({ ...many, sample: { method, runs, seed } });
          const ids = plan.runs.map(({ runId }) => runId);
          expect([plan.poisonedRuns, new Set(ids).size]).toEqual([runs, ids.length]);
          for (const { runId, twinId } of plan.runs) {
            expect(whole.has(runId)).toBe(true);
            expect(twinId === undefined || ids.includes(twinId)).toBe(true);
          }
          expect(planOf({ ...many, sample: { method, runs, seed } }).runs).toEqual(plan.runs);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('by Sobol has every level equally often, also where rules have left gaps', () => {
    const sample = { method: 'sobol', runs: 64 };
    const { model: _, ...three } = many;
    const runs = poisoned({ ...three, training: { epochs: [1, 2, 3, 4] }, sample });
    for (const level of [1, 2, 3, 4]) expect(runs.filter(({ training }) => training.epochs === level)).toHaveLength(16);
    for (const rate of [0.01, 0.02]) expect(runs.filter(({ poisonRate }) => poisonRate === rate)).toHaveLength(32);
    const gaps = planOf({ ...many, exclude: [{ epochs: [1, 2], size: 0.1 }], sample });
    expect(gaps.poisonedRuns).toBe(64);
  });

  it('gives each block its share, leaves clean runs alone, and refuses more than there are', () => {
    const attack = [base.attack, { ...base.attack, size: 0.3, color: '#808080' }, { type: 'none' }];
    const plan = planOf({ attack, repeats: 4, sample: { method: 'sobol', runs: 20 } });
    expect([plan.poisonedRuns, plan.cleanRuns]).toEqual([20, 4]);
    expect(plan.runs.filter(({ spec }) => 'size' in spec.attack && spec.attack.size === 0.3)).toHaveLength(4);
    expect(() => planOf({ sample: { method: 'random', runs: 9 } })).toThrow(/9 runs of 8/);
    expect(planOf({ sample: { method: 'random', runs: 9 } }, ['attack.size=0.1']).poisonedRuns).toBe(4);
    expect(() => planOf({ sample: { method: 'grid', runs: 1 } })).toThrow(/random.*sobol/);
  });
});

describe('design', () => {
  const five = {
    model: ['resnet-mini', 'alexnet-mini'],
    training: { epochs: [1, 5] },
    design: {
      factors: { A: 'model', B: 'epochs', C: 'size', D: 'color', E: 'poisonRate' },
      generators: ['D = AB', 'E=A*C'],
      fraction: '1/4',
    },
    repeats: 3,
  };

  it('does the fraction of the full factorial, each level in half of the runs', () => {
    const runs = poisoned(five);
    expect(runs).toHaveLength(8 * 3);
    expect(runs.filter(({ model }) => model === 'resnet-mini')).toHaveLength(12);
    for (const { model, training, attack } of runs) {
      const a = model === 'resnet-mini' ? -1 : 1;
      const b = training.epochs === 1 ? -1 : 1;
      expect('color' in attack && attack.color).toEqual(a * b < 0 ? 'white' : 'black');
    }
  });

  it('tells resolution and aliases', () => {
    const { design } = planOf(five);
    expect(design && designLines(design)).toEqual([
      'Design: 2^(5−2) fraction of resolution III, D = AB, E = AC (A model, B training.epochs, C attack.size, D attack.color, E poisonRate)',
      'Defining relation: I = ABD = ACE = BCDE',
      'Cannot be told apart (up to two factors): A = BD = CE; B = AD; C = AE; D = AB; E = AC; BC = DE; BE = CD',
    ]);
  });

  it.each([
    [{ generators: ['D = AB', 'E = AD'] }, /may not be set by a generator before/],
    [{ generators: ['D = AE', 'E = AC'] }, /is set stands in the product/],
    [{ generators: ['D = AX'] }, /generator "D = AX"/],
    [{ generators: ['D = AB', 'E = AB'] }, /always change together/],
    [{ fraction: '1/2' }, /make the fraction 1\/4, not 1\/2/],
    [{ factors: { ...five.design.factors, E: 'position' } }, /E \(attack.position\) has 1 levels/],
    [{ factors: { ...five.design.factors, E: 'model' } }, /model has two letters/],
    [{ factors: { ...five.design.factors, E: 'modle' } }, /unknown field "modle"/],
    [{ factors: { A: 'model', I: 'epochs', C: 'size' } }, /one capital letter other than I/],
  ])('refuses %j', (change, message) => {
    expect(() => planOf({ ...five, design: { ...five.design, ...change } })).toThrow(message);
  });
});
