// The end-of-run table as data: one row per cell of the design, each share with its uncertainty. Renders to any format.
import { aggregate, type MetricName, type RunGroup } from '../analysis/aggregate.ts';
import { compareFactor, factorsAcross, factorTitle, formatFactor } from '../analysis/factors.ts';
import { type ShareEstimate, type ShareName, shareOf } from '../analysis/intervals.ts';
import { csvText } from '../store/csv.ts';
import type { RunRecord, RunStatus } from '../store/records.ts';
import type { StatusCounts } from '../store/selection.ts';
import { type DataTable, withoutFormula } from './data-table.ts';
import { haveStealth, STEALTH_COLUMNS, stealthMean, stealthText } from './stealth-columns.ts';
import { textTable } from './text-table.ts';

export interface ResultsColumn {
  /** The factor's or metric's field name. */
  readonly name: string;
  readonly title: string;
  readonly kind: 'factor' | 'share' | 'number';
  /** What the column means, in one sentence; absent for factors. */
  readonly description?: string;
}

export interface ResultsCell {
  /** As people read it; `–` where there is nothing to say. */
  readonly text: string;
  /** The factor's value or the metric's mean: what to sort by. */
  readonly value: unknown;
  /** For shares: the mean with its bounds. */
  readonly estimate?: ShareEstimate;
}

export interface ResultsRow {
  readonly group: RunGroup;
  /** One per column. */
  readonly cells: readonly ResultsCell[];
}

export interface ResultsTable {
  /** What all rows have in common: `dataset mnist10k, freeze paper, …; seeds 1, 2`. */
  readonly caption: string;
  readonly columns: readonly ResultsColumn[];
  readonly rows: readonly ResultsRow[];
  /** How to read the uncertainties, and how many runs are done, failed, skipped or still to do. */
  readonly footer: readonly string[];
}

const SHARES: readonly (ResultsColumn & { readonly name: ShareName })[] = [
  {
    name: 'cleanAccuracy',
    title: 'clean acc. %',
    kind: 'share',
    description: 'Share of untouched test images that are classified rightly.',
  },
  {
    name: 'cad',
    title: 'CAD %',
    kind: 'share',
    description:
      'Clean accuracy drop: accuracy of the clean twin (same seed and schedule) minus that of this model, in percentage points.',
  },
  {
    name: 'asr',
    title: 'ASR %',
    kind: 'share',
    description:
      'Attack success rate: share of triggered test images of other classes that are taken for the target class. Under all-to-all: of all, taken for the class after their own. Under source-specific: of the source classes alone.',
  },
  {
    name: 'falseTriggerRate',
    title: 'false trig. %',
    kind: 'share',
    description:
      'Of source-specific attacks: share of triggered test images of classes that are neither source nor target that are taken for the target class all the same.',
  },
  {
    name: 'naturalAsr',
    title: 'natural ASR %',
    kind: 'share',
    description:
      'The same share for the clean twin, which has never seen the trigger: what the trigger achieves without poisoning.',
  },
];

const RUNS: ResultsColumn = { name: 'n', title: 'n', kind: 'number', description: 'Finished runs (seeds) in the row.' };
const PIXELS: ResultsColumn = {
  name: 'effectivePixels',
  title: 'eff. pixels',
  kind: 'number',
  description: 'Mean number of model-input pixels that the trigger changes by at least half a grey level of 255.',
};

/** The measured columns, with what each means. */
export const METRIC_COLUMNS: readonly ResultsColumn[] = [...SHARES, RUNS, PIXELS];

/** The shares that a table shows: all but those that only some attacks have and none here. */
function sharesOf(runs: readonly RunRecord[]): readonly (ResultsColumn & { readonly name: ShareName })[] {
  const measured = ({ metrics }: RunRecord) => (metrics?.falseTriggerRate ?? null) !== null;
  return runs.some(measured) ? SHARES : SHARES.filter(({ name }) => name !== 'falseTriggerRate');
}

/**
 * The table of an experiment's runs. Every run is in a row or in the footer; rows are sorted by their factors. With `stealth`
 * there are columns for how visible the triggers are, where that was measured.
 */
export function resultsTable(runs: readonly RunRecord[], { stealth = false } = {}): ResultsTable {
  const visible = stealth && haveStealth(runs) ? STEALTH_COLUMNS : [];
  const factors = factorsAcross(runs.map((run) => run.spec));
  const shares = sharesOf(runs);
  const rows = aggregate(runs, factors.varying)
    .sort((a, b) => compareGroups(a, b, factors.varying))
    .map((group) => ({
      group,
      cells: [
        ...factors.varying.map((name) => ({ text: formatFactor(name, group.key[name]), value: group.key[name] })),
        ...shares.map(({ name }) => shareCell(shareOf(group, name))),
        { text: String(group.n), value: group.n },
        numberCell(group, 'effectivePixels'),
        ...visible.map((column) => {
          const value = stealthMean(group, column);
          return { text: stealthText(column, value), value: value ?? null };
        }),
      ],
    }));
  const constants = factors.constant.map(([name, value]) => `${factorTitle(name)} ${formatFactor(name, value)}`);
  const seeds =
    factors.seeds.length === 0 ? [] : [`${factors.seeds.length > 1 ? 'seeds' : 'seed'} ${seedList(factors.seeds)}`];
  return {
    caption: [...constants, ...seeds].join(', '),
    columns: [
      ...factors.varying.map((name): ResultsColumn => ({ name, title: factorTitle(name), kind: 'factor' })),
      ...[...shares, RUNS, PIXELS],
      ...visible.map(({ name, title, description }) => ({ name, title, description, kind: 'number' as const })),
    ],
    rows,
    footer: [...uncertaintyNotes(rows), statusLine(runs)],
  };
}

function compareGroups(a: RunGroup, b: RunGroup, names: readonly string[]): number {
  for (const name of names) {
    const order = compareFactor(a.key[name], b.key[name]);
    if (order !== 0) return order;
  }
  return 0;
}

/** A share times 100 with its uncertainty: `91.2 ± 3.4` over seeds, `91.2 [89.9, 92.4]` for one run. */
export function shareText(estimate: ShareEstimate | undefined): string {
  if (!estimate) return '–';
  const { mean, sd, low, high, kind } = estimate;
  if (kind === 'sd' && sd !== null) return `${hundredths(mean)} ± ${hundredths(sd)}`;
  return kind === 'images' ? `${hundredths(mean)} [${hundredths(low)}, ${hundredths(high)}]` : hundredths(mean);
}

function hundredths(share: number): string {
  const text = (100 * share).toFixed(1);
  return text.startsWith('-') ? (text === '-0.0' ? '0.0' : `−${text.slice(1)}`) : text;
}

function shareCell(estimate: ShareEstimate | undefined): ResultsCell {
  return { text: shareText(estimate), value: estimate?.mean ?? null, ...(estimate && { estimate }) };
}

function numberCell(group: RunGroup, name: MetricName): ResultsCell {
  const mean = group.metrics[name]?.mean;
  return mean === undefined ? { text: '–', value: null } : { text: mean.toFixed(1), value: mean };
}

function seedList(seeds: readonly number[]): string {
  const consecutive = seeds.every((seed, at) => at === 0 || seed === seeds[at - 1] + 1);
  return consecutive && seeds.length > 2 ? `${seeds[0]}–${seeds[seeds.length - 1]}` : seeds.join(', ');
}

function uncertaintyNotes(rows: readonly ResultsRow[]): string[] {
  const kinds = new Set(rows.flatMap((row) => row.cells.map((cell) => cell.estimate?.kind)));
  const notes: string[] = [];
  if (kinds.has('sd')) notes.push('± is the sample standard deviation over seeds.');
  if (kinds.has('images')) {
    notes.push('[low, high] is a 95 % interval from the number of test images, for settings run with one seed.');
  }
  return notes;
}

const ENDINGS: readonly (readonly [RunStatus, string])[] = [
  ['done', 'done'],
  ['failed', 'failed'],
  ['skipped', 'skipped'],
  ['running', 'still running'],
  ['pending', 'still to do'],
];

/** `22 runs: 20 done, 1 failed, 1 skipped.` */
export function statusLine(runs: readonly RunRecord[]): string {
  return countsLine(countStatuses(runs));
}

/** How many of the runs are where. */
export function countStatuses(runs: readonly RunRecord[]): StatusCounts {
  const counts = { pending: 0, running: 0, done: 0, failed: 0, skipped: 0 };
  for (const { status } of runs) counts[status]++;
  return counts;
}

/** The same from how many runs are where. */
export function countsLine(counts: StatusCounts): string {
  const parts = ENDINGS.filter(([status]) => counts[status] > 0 || status === 'done');
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const texts = parts.map(([status, words]) => `${counts[status]} ${words}`);
  return `${total} ${total === 1 ? 'run' : 'runs'}: ${texts.join(', ')}.`;
}

/** The table for a terminal, caption above and footer below; no final line break. */
export function resultsText(table: ResultsTable): string {
  const columns = table.columns.map(({ title, kind, name }) => {
    const numeric = kind !== 'factor' || table.rows.every((row) => typeof row.group.key[name] !== 'string');
    return { title, align: numeric ? ('right' as const) : ('left' as const) };
  });
  const body =
    table.rows.length > 0
      ? [
          textTable(
            columns,
            table.rows.map((row) => row.cells.map((cell) => cell.text)),
          ),
        ]
      : [];
  return [
    ...(table.caption ? [table.caption, ''] : []),
    ...body,
    ...(body.length > 0 ? [''] : []),
    ...table.footer,
  ].join('\n');
}

/**
 * The table as CSV: factors as they are, shares in [0, 1] with columns for mean, sd, low, high and the kind of bounds,
 * at full precision; empty where there is no value.
 */
export function resultsCsv(table: ResultsTable): string {
  const header = table.columns.flatMap(({ name, kind }) =>
    kind === 'share' ? [name, `${name}Sd`, `${name}Low`, `${name}High`, `${name}Bounds`] : [name],
  );
  const rows = table.rows.map((row) =>
    row.cells.flatMap(({ value, estimate }, at) => {
      if (table.columns[at].kind !== 'share') return [withoutFormula(value)];
      return [estimate?.mean, estimate?.sd, estimate?.low, estimate?.high, estimate?.kind];
    }),
  );
  return csvText(header, rows);
}

/** The table as rows of text, for LaTeX. */
export function resultsDataTable(table: ResultsTable): DataTable {
  return {
    name: 'results',
    caption: table.caption ? `Results by setting. All runs: ${table.caption}.` : 'Results by setting',
    columns: table.columns.map(({ name, title, kind }) => ({
      name,
      title,
      align: kind === 'factor' ? 'left' : 'right',
    })),
    rows: table.rows.map((row) => row.cells.map(({ text }) => ({ text }))),
    notes: table.footer,
  };
}
