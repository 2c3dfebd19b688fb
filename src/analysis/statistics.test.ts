// Known answers from statsmodels, scipy and scikit-learn: test/fixtures/analysis/statistics.py made them.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AnovaModel, testOf } from './anova.ts';
import { designOf } from './design.ts';
import { fUpper, noncentralTwoSided, normalQuantile, tQuantile, tTwoSided } from './distributions.ts';
import { forestCheck } from './forest.ts';
import { benjaminiHochberg, holm } from './multiplicity.ts';
import type { Observation } from './observations.ts';
import { powerOfTest, repeatsFor } from './power.ts';
import { ShapleyModel } from './shapley.ts';

interface Row {
  df: number;
  sumSq: number;
  f?: number | null;
  p?: number | null;
}
type Table = Record<string, Row>;

const known = JSON.parse(
  readFileSync(new URL('../../test/fixtures/analysis/statistics.json', import.meta.url), 'utf8'),
) as {
  rows: number[][];
  unbalancedRows: number[];
  emptyRows: number[];
  balanced: Table;
  unbalanced: Table;
  empty: Table;
  shapley: { shares: Record<string, number>; all: number };
  shapleyUnbalanced: { shares: Record<string, number>; all: number };
  forest: { importance: Record<string, number>; rSquared: number };
} & Record<'p' | 'holm' | 'fdr', number[]> &
  Record<'tQuantile' | 'fUpper' | 'power', number[][]>;

const NAMES = ['model', 'size', 'position', 'rate'];

function observations(chosen: readonly number[]): Observation[] {
  return chosen.map((at) => {
    const row = known.rows[at];
    const factors = Object.fromEntries(NAMES.map((name, i) => [name, row[i]]));
    const nothing = { asr: null, cleanAccuracy: null, attackedImages: null };
    return { id: String(at), block: String(row[4]), factors, cad: row[5], ...nothing };
  });
}

const all = observations(known.rows.map((_, at) => at));

function closeTo(found: number, expected: number, relative = 1e-8): void {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(relative * Math.max(1e-300, Math.abs(expected)) + 1e-13);
}

describe('distributions', () => {
  it('agree with scipy', () => {
    for (const [q, df, t] of known.tQuantile) closeTo(tQuantile(q, df), t);
    for (const [f, df1, df2, p] of known.fUpper) closeTo(fUpper(f, df1, df2), p, 1e-7);
    closeTo(normalQuantile(0.975), 1.959963984540054);
    closeTo(tTwoSided(tQuantile(0.975, 7), 7), 0.05, 1e-7);
    closeTo(noncentralTwoSided(2.5, 6, 0), tTwoSided(2.5, 6), 1e-9);
  });

  it('power agrees with statsmodels', () => {
    for (const [d, n, power] of known.power) expect(powerOfTest(d, n)).toBeCloseTo(power, 6);
    const { repeats } = repeatsFor(0.1, 0.1);
    expect(repeats).toBe(17);
    expect(powerOfTest(1, 16)).toBeLessThan(0.8);
    expect(repeatsFor(0.0001, 1).repeats).toBeNull();
  });
});

describe('multiplicity', () => {
  it('agrees with statsmodels, whatever the order', () => {
    const order = [3, 9, 0, 7, 1, 8, 2, 6, 5, 4];
    const p = order.map((at) => known.p[at]);
    for (const [at, value] of holm(p).entries()) closeTo(value, known.holm[order[at]]);
    for (const [at, value] of benjaminiHochberg(p).entries()) closeTo(value, known.fdr[order[at]]);
    expect(holm([])).toEqual([]);
  });
});

describe('AnovaModel', () => {
  const check = (chosen: readonly number[] | undefined, table: Table) => {
    const anova = new AnovaModel(designOf(chosen ? observations(chosen) : all, 'cad')).fit();
    for (const term of anova.terms) {
      const expected = table[term.factors.join(':')];
      expect([term.factors, term.df]).toEqual([term.factors, expected.df]);
      closeTo(term.sumSq, expected.sumSq, 1e-7);
      const test = testOf(term, anova);
      if (expected.f != null) closeTo(test.f ?? Number.NaN, expected.f, 1e-7);
      if (expected.p != null) closeTo(test.p ?? Number.NaN, expected.p, 1e-5);
    }
    expect(anova.residual.df).toBe(table.Residual.df);
    closeTo(anova.residual.sumSq, table.Residual.sumSq, 1e-7);
    if (table.seed) closeTo(anova.blocks.sumSq, table.seed.sumSq, 1e-7);
  };

  it('agrees with statsmodels’ type II analysis of a balanced design', () => check(undefined, known.balanced));
  it('… of an unbalanced design', () => check(known.unbalancedRows, known.unbalanced));
  it('… and with plain least squares where whole cells are missing', () => check(known.emptyRows, known.empty));

  it('counts a seed twice as its rows twice', () => {
    const weighted = new AnovaModel(designOf(all, 'cad')).fit([2, 0, 1, 1]);
    const twice = all.filter((one) => one.block !== '1').flatMap((one) => (one.block === '0' ? [one, one] : [one]));
    const rows = new AnovaModel(designOf(twice, 'cad')).fit();
    for (const [at, term] of rows.terms.entries()) closeTo(weighted.terms[at].sumSq, term.sumSq, 1e-8);
    closeTo(weighted.residual.sumSq, rows.residual.sumSq, 1e-8);
  });
});

describe('ShapleyModel', () => {
  it('agrees with going through all orders, up to the correction for chance', () => {
    for (const [chosen, expected] of [
      [undefined, known.shapley],
      [known.unbalancedRows, known.shapleyUnbalanced],
    ] as const) {
      const model = new ShapleyModel(designOf(chosen ? observations(chosen) : all, 'cad'));
      const { shares, unexplained } = model.effects();
      expect(shares.reduce((sum, share) => sum + share, 0) + unexplained).toBeCloseTo(1, 10);
      expect(model.noise).toBeGreaterThan(0.15);
      expect(model.noise).toBeLessThan(0.35);
      expect(unexplained).toBeGreaterThan(1 - expected.all);
      for (const [at, name] of NAMES.entries()) expect(Math.abs(shares[at] - expected.shares[name])).toBeLessThan(0.08);
    }
  });

  it('is exact where nothing is left to chance', () => {
    const exact = all.map((one) => {
      const [size, rate] = [Number(one.factors.size), Number(one.factors.rate)];
      return { ...one, cad: 2 * (size - 1) + (rate - 1.5) };
    });
    const { shares, unexplained } = new ShapleyModel(designOf(exact, 'cad')).effects();
    // Variances of independent terms: 4 · 2/3 and 5/4.
    const whole = 8 / 3 + 5 / 4;
    expect(shares[1]).toBeCloseTo(8 / 3 / whole, 10);
    expect(shares[3]).toBeCloseTo(5 / 4 / whole, 10);
    expect([shares[0], shares[2], unexplained].every((share) => Math.abs(share) < 1e-10)).toBe(true);
  });
});

describe('forestCheck', () => {
  it('finds what scikit-learn’s forest finds', () => {
    const found = forestCheck(designOf(all, 'cad'));
    expect(found?.folds).toBe(4);
    expect(Math.abs((found?.rSquared ?? 0) - known.forest.rSquared)).toBeLessThan(0.08);
    for (const { factor, importance } of found?.importances ?? []) {
      const expected = known.forest.importance[factor];
      expect(Math.abs(importance - expected)).toBeLessThan(0.1 + 0.25 * expected);
    }
    const order = (values: readonly { factor: string; importance: number }[]) =>
      [...values].sort((a, b) => b.importance - a.importance).map((one) => one.factor);
    const theirs = Object.entries(known.forest.importance).map(([factor, importance]) => ({ factor, importance }));
    expect(order(found?.importances ?? [])).toEqual(order(theirs));
  });
});
