// The report's tables and figures on made-up runs, small and at the size of the paper's whole matrix.
import { describe, expect, it } from 'vitest';
import { chartsOf, reportParts, tablesOf } from './parts.ts';
import { syntheticExperiment, syntheticRun } from './synthetic-runs.fixture.ts';

const runs = syntheticExperiment({ colors: ['white', 'black'], seeds: [1, 2, 3], poisonRates: [0.005, 0.01, 0.02] });

describe('reportParts', () => {
  const parts = reportParts(runs);

  it('has a figure per position and colour with a panel per size, and heat maps', () => {
    expect(parts.rates.charts.map((chart) => chart.name)).toEqual([
      'rate-position-bottom-right-colour-black',
      'rate-position-bottom-right-colour-white',
      'rate-position-middle-colour-black',
      'rate-position-middle-colour-white',
    ]);
    expect(parts.rates.charts[0].svg).toContain('size 8 %');
    expect(parts.heat).toHaveLength(2);
    expect(parts.heat[0].svg).toContain('alexnet-mini');
    const names = chartsOf(parts).map((chart) => chart.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { svg } of chartsOf(parts)) expect(svg).not.toMatch(/NaN|undefined/);
  });

  it('gives an attack without a size its own panels', () => {
    const others = [0.005, 0.02].flatMap((poisonRate) =>
      ['ssba', 'wanet'].map((type) => syntheticRun({ attack: { type }, poisonRate, seed: 1 })),
    );
    const { charts } = reportParts([...runs, ...others]).rates;
    const last = charts[charts.length - 1];
    expect(last.title).toContain('by attack');
    expect(last.svg).toMatch(/ssba[\s\S]*wanet/);
  });

  it('has Table II, intervals, attribution, claims, power and cost', () => {
    const names = tablesOf(parts).map((table) => table.name);
    expect(names).toEqual(
      expect.arrayContaining(['clean-accuracy', 'intervals', 'cost', 'anova-asr-badnets', 'claims', 'power']),
    );
    expect(parts.cleanAccuracy?.columns.map((column) => column.title)).toEqual([
      'dataset',
      'model',
      'clean',
      'ε 0.5 %',
      'ε 1 %',
      'ε 2 %',
    ]);
    const header = parts.intervals.columns.map((column) => column.name);
    expect(header).toEqual(expect.arrayContaining(['asrTLow', 'asrBootstrapHigh', 'cadSeeds']));
    expect(parts.cost?.rows.at(-1)?.[3].value).toBe(runs.length);
  });

  it('sets imported results beside ours', () => {
    const row = (line: number, asr: number) => ({
      ...{ source: 'theirs', file: 'x.csv', line, kind: 'attack' as const, faults: [] },
      values: {
        dataset: 'MNIST10k',
        model: 'resnet-mini',
        attack: 'badnets',
        poisonRate: 0.02,
        seed: String(line),
        asr,
      },
    });
    const { comparison } = reportParts(runs, { source: 'theirs', match: 'model', rows: [row(2, 0.5), row(3, 0.55)] });
    expect(comparison?.table.rows).toHaveLength(1);
    expect(comparison?.table.notes.join(' ')).toContain('average over');
    expect(comparison?.chart?.svg).toContain('percentage points');
  });

  it('makes nothing of nothing', () => {
    expect(chartsOf(reportParts([]))).toEqual([]);
    expect(tablesOf(reportParts([]))).toEqual([]);
  });
});
