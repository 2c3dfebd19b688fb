// The runs of `results` as a table for people.
import { factorsAcross, factorsOf, factorTitle, formatFactor } from '../analysis/factors.ts';
import { countStatuses, countsLine } from '../report/results-table.ts';
import { type StealthColumn, stealthText } from '../report/stealth-columns.ts';
import { type TextColumn, textTable } from '../report/text-table.ts';
import type { RunRecord } from '../store/records.ts';
import type { NumberMetric, StatusCounts } from '../store/selection.ts';

/** The shares that tables show. */
export const SHARES = [
  { name: 'cleanAccuracy', title: 'clean acc. %' },
  { name: 'asr', title: 'ASR %' },
  { name: 'falseTriggerRate', title: 'false trig. %' },
  { name: 'cad', title: 'CAD %' },
  { name: 'naturalAsr', title: 'natural ASR %' },
] as const;

/** Those of them that were measured: source-specific attacks alone have a false trigger rate. */
export function sharesOf(measured: (name: NumberMetric) => boolean) {
  return SHARES.filter(({ name }) => name !== 'falseTriggerRate' || measured(name));
}

/** Which of the runs that were asked for are shown. */
export interface Page {
  readonly offset: number;
  /** How many of all that were asked for are where. */
  readonly counts: StatusCounts;
}

/**
 * One line per run: its id, what varies between the runs shown, and the shares; what they have in common stands above, how many
 * more there are below.
 */
export function runsText(
  runs: readonly RunRecord[],
  { offset, counts }: Page = { offset: 0, counts: countStatuses(runs) },
  stealth: readonly StealthColumn[] = [],
): string {
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  if (runs.length === 0) return total === 0 ? 'No runs.' : `No runs from ${offset} on. ${countsLine(counts)}`;
  const { varying, constant, seeds } = factorsAcross(runs.map((run) => run.spec));
  const factors = seeds.length > 1 ? [...varying, 'seed'] : varying;
  const many = new Set(runs.map((run) => run.experiments.join(', '))).size > 1;
  const width = idWidth(runs);
  const shares = sharesOf((name) => runs.some(({ metrics }) => (metrics?.[name] ?? null) !== null));
  const columns: TextColumn[] = [
    { title: 'run' },
    ...(many ? [{ title: 'experiment' }] : []),
    ...factorColumns(factors, (name) => runs.map((run) => factorsOf(run.spec)[name])),
    { title: 'status' },
    ...[...shares, ...stealth].map(({ title }) => ({ title, align: 'right' as const })),
  ];
  const rows = runs.map((run) => {
    const values = factorsOf(run.spec);
    return [
      run.runId.slice(0, width),
      ...(many ? [run.experiments.join(', ')] : []),
      ...factors.map((name) => formatFactor(name, values[name])),
      run.status,
      ...shares.map(({ name }) => percent(run.metrics?.[name])),
      ...stealth.map((column) => stealthText(column, run.metrics?.[column.name])),
    ];
  });
  const common = constant.map(([name, value]) => `${factorTitle(name)} ${formatFactor(name, value)}`);
  const troubles = runs.flatMap((run) =>
    run.error === null ? [] : [`${run.runId.slice(0, width)} ${run.status}: ${run.error.split('\n', 1)[0]}`],
  );
  const part = runs.length < total;
  const shown = `Shown: ${offset + 1} to ${offset + runs.length} of ${total}`;
  const rest = total - offset - runs.length;
  const more = rest === 0 ? '' : `; ${rest} more with --offset ${offset + runs.length}`;
  return [
    ...(common.length > 0 ? [`${part ? 'In these rows: ' : ''}${common.join(', ')}`, ''] : []),
    textTable(columns, rows),
    '',
    ...troubles.slice(0, 10),
    ...(troubles.length > 10 ? [`… and ${troubles.length - 10} more; --json has all of them.`] : []),
    ...(part ? [`${shown}${more}; --all shows all, --group-by puts them together.`] : []),
    countsLine(counts),
  ].join('\n');
}

function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return '–';
  const text = (100 * share).toFixed(1);
  if (text === '-0.0') return '0.0';
  return text.replace('-', '−');
}

/** Characters by which the runs can be told apart, at least 8. */
function idWidth(runs: readonly RunRecord[]): number {
  const longest = runs.reduce((most, { runId }) => Math.max(most, runId.length), 0);
  for (let width = 8; width < longest; width++) {
    if (new Set(runs.map((run) => run.runId.slice(0, width))).size === runs.length) return width;
  }
  return longest;
}

/** Columns of factors: numbers to the right. */
export function factorColumns(names: readonly string[], valuesOf: (name: string) => unknown[]): TextColumn[] {
  return names.map((name) => ({
    title: factorTitle(name),
    align: valuesOf(name).some((value) => typeof value === 'string') ? 'left' : 'right',
  }));
}
