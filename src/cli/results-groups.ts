// `results --group-by`: means over the runs that share some factors.
import type { MetricName } from '../analysis/aggregate.ts';
import { compareFactor, factorsOf, factorTitle, formatFactor } from '../analysis/factors.ts';
import { groupRuns, type SummedGroup } from '../analysis/group-runs.ts';
import { shareOf } from '../analysis/intervals.ts';
import { inputError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { type DataTable, dataTableLatex } from '../report/data-table.ts';
import { countsLine, shareText } from '../report/results-table.ts';
import { type StealthColumn, stealthMean, stealthText } from '../report/stealth-columns.ts';
import { textTable } from '../report/text-table.ts';
import { csvText } from '../store/csv.ts';
import { METRIC_COLUMNS } from '../store/rows.ts';
import type { Selection, Setting, StatusCounts } from '../store/selection.ts';
import { canonicalField } from '../store/where.ts';
import { factorColumns, SHARES, sharesOf } from './results-text.ts';

export interface Groups {
  readonly fields: readonly string[];
  readonly groups: readonly SummedGroup[];
  readonly counts: StatusCounts;
}

/** What intervals of shares are made from, besides the shares. */
const BEHIND_INTERVALS = ['testImages', 'attackedImages', 'cleanBaselineAccuracy'] as const;

/**
 * The groups of finished runs, sorted by their factors.
 * @param fields as written, separated by commas.
 * @param every whether all metrics are wanted, or those that tables show.
 * @throws TriggerlabError (input) for a field that is not a factor of any run.
 */
export async function readGroups(
  selection: Selection,
  fields: string,
  { every, stealth }: { every: boolean; stealth: readonly StealthColumn[] },
): Promise<Groups> {
  const done = await selection.where([{ field: 'status', values: ['done'] }]);
  const settings = await done.settings();
  const names = fields
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known = checkFactors(names, settings) ?? checkFactors(names, await selection.settings(), true) ?? names;
  const metrics: MetricName[] = every
    ? (Object.keys(METRIC_COLUMNS) as MetricName[])
    : [...SHARES, ...stealth].map(({ name }) => name as MetricName).concat(BEHIND_INTERVALS);
  const groups = await groupRuns(done, settings, known, metrics);
  return { fields: known, groups: groups.sort((a, b) => compareKeys(a, b, known)), counts: await selection.counts() };
}

/** The canonical names; undefined, or an error where `refuse` says so, when one is no factor of these settings. */
function checkFactors(names: readonly string[], settings: readonly Setting[], refuse = false): string[] | undefined {
  const seen = new Set<string>();
  for (const { spec } of settings) for (const name in factorsOf(spec)) seen.add(name);
  const known = [...seen];
  const canonical = names.map((name) => canonicalField(name, known));
  const odd = canonical.findIndex((name) => !known.includes(name));
  if (odd < 0) return canonical;
  if (refuse && settings.length > 0) {
    throw inputError(`--group-by: no run has a factor "${names[odd]}"`, { hint: didYouMean(names[odd], known) });
  }
  return undefined;
}

function compareKeys(a: SummedGroup, b: SummedGroup, fields: readonly string[]): number {
  const differing = fields.find((name) => compareFactor(a.key[name], b.key[name]) !== 0);
  return differing === undefined ? 0 : compareFactor(a.key[differing], b.key[differing]);
}

/** For a terminal. */
export function groupsText(groups: Groups, stealth: readonly StealthColumn[]): string {
  const { columns, rows, notes } = groupsTable(groups, stealth);
  const texts = rows.map((row) => row.map((cell) => cell.text));
  return [textTable(columns, texts), '', ...notes].join('\n');
}

/** For a paper. */
export function groupsLatex(groups: Groups, stealth: readonly StealthColumn[]): string {
  return dataTableLatex(groupsTable(groups, stealth));
}

function groupsTable({ groups, fields, counts }: Groups, stealth: readonly StealthColumn[]): DataTable {
  const factors = factorColumns(fields, (name) => groups.map((group) => group.key[name]));
  const shares = measuredShares(groups);
  const mixed = [...new Set(groups.flatMap((group) => group.mixed))].map(factorTitle);
  return {
    name: 'groups',
    caption: `Results by ${fields.map(factorTitle).join(', ') || 'nothing'}`,
    columns: [
      ...factors.map((column, at) => ({ ...column, name: fields[at] })),
      { name: 'n', title: 'n', align: 'right' },
      ...[...shares, ...stealth].map(({ name, title }) => ({ name, title, align: 'right' as const })),
    ],
    rows: groups.map((group) => [
      ...fields.map((name) => ({ text: formatFactor(name, group.key[name]) })),
      { text: String(group.n) },
      ...shares.map(({ name }) => ({ text: shareText(shareOf(group, name)) })),
      ...stealth.map((column) => ({ text: stealthText(column, stealthMean(group, column)) })),
    ]),
    notes: [
      ...(mixed.length > 0 ? [`Means go over ${mixed.join(', ')}, which vary within a line.`] : []),
      countsLine(counts),
    ],
  };
}

/** One row per group: factors, n, and mean and standard deviation of each share. */
export function groupsCsv({ groups, fields }: Groups, stealth: readonly StealthColumn[]): string {
  const measured = [...measuredShares(groups), ...stealth];
  const header = [...fields, 'n', ...measured.flatMap(({ name }) => [name, `${name}Sd`])];
  const rows = groups.map((group) => [
    ...fields.map((name) => group.key[name]),
    group.n,
    ...measured.flatMap(({ name }) => [group.metrics[name]?.mean, group.metrics[name]?.sd]),
  ]);
  return csvText(header, rows);
}

function measuredShares(groups: readonly SummedGroup[]) {
  return sharesOf((name) => groups.some(({ metrics }) => metrics[name] !== undefined));
}
