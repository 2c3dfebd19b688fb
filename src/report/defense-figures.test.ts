// Tables and figures of defended runs, on made-up runs.
import { describe, expect, it } from 'vitest';
import type { DefenseRecord, RunRecord } from '../store/records.ts';
import { dataTableCsv, dataTableText } from './data-table.ts';
import { meanFigure } from './defense-figures.ts';
import { defenseTables } from './defense-tables.ts';
import { chartsOf, reportParts, tablesOf } from './parts.ts';
import { pruningCharts } from './pruning-chart.ts';
import { syntheticRun } from './synthetic-runs.fixture.ts';

const cost = { seconds: 2, forwardPasses: 3000, backwardPasses: 2000 };

function defended(
  attack: string,
  seed: number,
  defense: { type: string; [name: string]: unknown },
  metrics: DefenseRecord['metrics'],
  after?: { asr: number; cleanAccuracy: number },
): RunRecord {
  const plain = syntheticRun({ attack: { type: attack }, poisonRate: attack === 'wanet' ? 0.3 : 0.1, seed });
  const run = syntheticRun(
    { ...plain.spec, defense },
    { defense: { metrics, cost }, twinId: null, baseId: plain.runId },
  );
  return after && run.metrics ? { ...run, metrics: { ...run.metrics, ...after } } : run;
}

/** Figures that fall with the rate, another tenth for each seed. */
const pruned = ['badnets', 'wanet'].flatMap((attack) =>
  [0, 0.3, 0.9].flatMap((rate) =>
    [1, 2].map((seed) =>
      defended(
        attack,
        seed,
        { type: 'fine-pruning', rate, budget: 0.05 },
        {
          ...{ attackedAsr: 0.9, prunedAsr: 0.9 - rate / 2, fineTunedAsr: 0.8, layer: 'layer4' },
          ...{ attackedCleanAccuracy: 0.95, prunedCleanAccuracy: 0.95 - rate / 3, fineTunedCleanAccuracy: 0.94 },
        },
        { asr: 0.7 - rate / 2 + seed / 10, cleanAccuracy: 0.93 },
      ),
    ),
  ),
);
const clustering = [1, 2].map((seed) =>
  defended(
    'badnets',
    seed,
    { type: 'activation-clustering' },
    { targetFlagged: seed === 1, recall: 0.5, auc: 0.9, precision: null },
  ),
);
const undefended = [1, 2].map((seed) => syntheticRun({ attack: { type: 'badnets' }, poisonRate: 0.1, seed }));
const runs = [...undefended, ...pruned, ...clustering];

describe('meanFigure', () => {
  it('takes the numbers alone', () => {
    expect(meanFigure([1, null, 3, 'x', Number.NaN])).toEqual({ mean: 2, sd: Math.SQRT2, n: 2 });
    expect(meanFigure([5])).toEqual({ mean: 5, sd: null, n: 1 });
    expect(meanFigure([null, true])).toBeUndefined();
  });
});

describe('tables of defences', () => {
  const [repairs, clusters, ...others] = defenseTables(runs);

  it('have the four figures of every point, repeats put together', () => {
    expect(others).toEqual([]);
    expect(repairs.rows).toHaveLength(6);
    expect(dataTableText(repairs)).toMatch(
      /90 % +wanet +30 % +2 +90\.0 ± 0\.0 +45\.0 ± 0\.0 +80\.0 ± 0\.0 +40\.0 ± 7\.1/,
    );
    expect(dataTableCsv(repairs).split('\n')[0]).toMatch(
      /asr-attacked,asr-pruned,asr-fineTuned,asr-repaired,cleanAccuracy-attacked/,
    );
  });

  it('tell what was found, shares and verdicts', () => {
    expect(clusters.name).toBe('defense-activation-clustering');
    expect(clusters.rows).toHaveLength(1);
    const text = dataTableText(clusters);
    expect(text).toMatch(/1 of 2 +50\.0 ± 0\.0 +0\.9 +– +3,000 +2\.0/);
  });

  it('are none where nothing was defended', () => {
    expect(defenseTables(undefended)).toEqual([]);
    expect(pruningCharts(undefended)).toEqual([]);
  });
});

describe('the figure of Fine-Pruning', () => {
  const charts = pruningCharts(runs);

  it('is one, with a panel per attack and two rows', () => {
    expect(charts.map(({ name, title }) => [name, title])).toEqual([['fine-pruning', 'Fine-Pruning against its rate']]);
    const [{ svg, caption }] = charts;
    for (const words of ['badnets', 'wanet', 'attack success', 'clean accuracy', 'pruned only', 'as attacked']) {
      expect(svg).toContain(words);
    }
    expect(svg).not.toMatch(/NaN|undefined/);
    expect(caption).toMatch(/standard deviation over seeds/);
  });

  it('is one for each budget, and none for a single rate', () => {
    const more = pruned.map((run) => ({
      ...run,
      spec: { ...run.spec, defense: { type: 'fine-pruning', rate: run.spec.defense?.rate, budget: 0.1 } },
    }));
    expect(pruningCharts([...pruned, ...more]).map(({ title }) => title)).toEqual([
      'Fine-Pruning against its rate: defence: budget 5 %',
      'Fine-Pruning against its rate: defence: budget 10 %',
    ]);
    expect(pruningCharts(pruned.filter(({ spec }) => spec.defense?.rate === 0.3))).toEqual([]);
  });
});

it('a report has them beside what it has of the attacks, which are not mixed with them', () => {
  const parts = reportParts(runs);
  expect(tablesOf(parts).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['defense-repairs', 'defense-activation-clustering']),
  );
  expect(chartsOf(parts).map(({ name }) => name)).toContain('fine-pruning');
  const without = reportParts(undefended);
  expect(parts.cleanAccuracy).toEqual(without.cleanAccuracy);
  expect(parts.cost).toEqual(without.cost);
  expect(without.defenses).toEqual({ charts: [], tables: [] });
});
