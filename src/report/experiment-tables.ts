// Table II's equivalent (clean accuracy by dataset, model and ε), and what the experiment cost.
import { aggregate, uncertaintyOf } from '../analysis/aggregate.ts';
import { compareFactor, formatFactor } from '../analysis/factors.ts';
import { shareOf } from '../analysis/intervals.ts';
import { formatSeconds } from '../core/format.ts';
import type { RunRecord } from '../store/records.ts';
import type { DataCell, DataTable } from './data-table.ts';
import { shareText } from './results-table.ts';

const right = { align: 'right' } as const;
const NONE: DataCell = { text: '–', value: null };

/** Clean accuracy of clean and attacked models; undefined when no run is done. Each ε has columns for mean and sd in CSV. */
export function cleanAccuracyTable(runs: readonly RunRecord[]): DataTable | undefined {
  const rows = aggregate(runs, ['dataset', 'model']).sort(
    (a, b) => compareFactor(a.key.dataset, b.key.dataset) || compareFactor(a.key.model, b.key.model),
  );
  if (rows.length === 0) return undefined;
  const rates = aggregate(runs, ['poisonRate'])
    .map((group) => group.key.poisonRate)
    .sort(compareFactor);
  const title = (rate: unknown) => (rate === null ? 'clean' : `ε ${formatFactor('poisonRate', rate)}`);
  const body = rows.map((row) => {
    const cells = new Map(aggregate(row.runs, ['poisonRate']).map((group) => [group.key.poisonRate, group]));
    return [
      { text: String(row.key.dataset) },
      { text: String(row.key.model) },
      ...rates.map((rate): DataCell => {
        const group = cells.get(rate);
        const estimate = group && shareOf(group, 'cleanAccuracy');
        return estimate ? { text: shareText(estimate), value: estimate.mean } : NONE;
      }),
    ];
  });
  return {
    name: 'clean-accuracy',
    caption: 'Clean accuracy by poisoning rate, in per cent (the paper’s Table II)',
    columns: [
      { name: 'dataset', title: 'dataset' },
      { name: 'model', title: 'model' },
      ...rates.map((rate) => ({ name: rate === null ? 'clean' : `epsilon${rate}`, title: title(rate), ...right })),
    ],
    rows: body,
    notes: [
      '± is the standard deviation over all runs with this ε, whatever their trigger and seed; “clean” are the twins.',
    ],
  };
}

/** Means with t and bootstrap intervals over seeds, one line per setting: for CSV, where they would be too much on a page. */
export function intervalsTable(runs: readonly RunRecord[], factors: readonly string[]): DataTable {
  const measures = ['asr', 'cad', 'cleanAccuracy'] as const;
  const rows = aggregate(runs, factors).map((group) => [
    ...factors.map((name): DataCell => ({ text: formatFactor(name, group.key[name]), value: group.key[name] })),
    ...measures.flatMap((name): DataCell[] => {
      const uncertainty = uncertaintyOf(group, name);
      const values = [
        group.metrics[name]?.mean,
        group.metrics[name]?.sd,
        uncertainty?.seeds,
        ...[uncertainty?.t, uncertainty?.bootstrap].flatMap((interval) => [interval?.low, interval?.high]),
      ];
      return values.map((value) => ({
        text: value === undefined || value === null ? '–' : value.toPrecision(6),
        value: value ?? null,
      }));
    }),
  ]);
  const suffixes = ['', 'Sd', 'Seeds', 'TLow', 'THigh', 'BootstrapLow', 'BootstrapHigh'];
  return {
    name: 'intervals',
    caption: 'Means over seeds with 95 % t and bootstrap intervals',
    columns: [
      ...factors.map((name) => ({ name, title: name })),
      ...measures.flatMap((name) =>
        suffixes.map((suffix) => ({ name: `${name}${suffix}`, title: `${name}${suffix}` })),
      ),
    ],
    rows,
    notes: [],
  };
}

/** Time by model and attack; undefined when no run is done. */
export function costTable(runs: readonly RunRecord[]): DataTable | undefined {
  const groups = aggregate(runs, ['dataset', 'model', 'attack']);
  if (groups.length === 0) return undefined;
  const line = (first: readonly string[], own: readonly RunRecord[]): DataCell[] => {
    const seconds = own.flatMap((run) => run.metrics?.seconds ?? []).sort((a, b) => a - b);
    const speeds = own.flatMap((run) => run.metrics?.imagesPerSecond ?? []).sort((a, b) => a - b);
    const total = seconds.reduce((sum, one) => sum + one, 0);
    const [typical, speed] = [seconds[seconds.length >> 1], speeds[speeds.length >> 1]];
    return [
      ...first.map((text) => ({ text })),
      { text: String(own.length), value: own.length },
      { text: formatSeconds(typical), value: typical },
      { text: formatSeconds(total), value: total },
      { text: Math.round(speed).toLocaleString('en'), value: speed },
    ];
  };
  const done = groups.flatMap((group) => group.runs);
  return {
    name: 'cost',
    caption: 'What it took: wall time of the runs, several of which may have run at once',
    columns: [
      { name: 'dataset', title: 'dataset' },
      { name: 'model', title: 'model' },
      { name: 'attack', title: 'attack' },
      { name: 'runs', title: 'runs', ...right },
      { name: 'medianSeconds', title: 'typical run', ...right },
      { name: 'totalSeconds', title: 'all together', ...right },
      { name: 'imagesPerSecond', title: 'training images/s', ...right },
    ],
    rows: [
      ...groups.map((group) => line([group.key.dataset, group.key.model, group.key.attack].map(String), group.runs)),
      ...(groups.length > 1 ? [line(['all', '', ''], done)] : []),
    ],
    notes: [],
  };
}
