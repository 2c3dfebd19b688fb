// Published results as tables: what was imported with its faults, and their figures beside ours.
import type { Comparison } from '../analysis/external/compare.ts';
import type { FaultCount } from '../analysis/external/evidence.ts';
import { compareFactor, factorTitle, formatFactor } from '../analysis/factors.ts';
import type { DataCell, DataTable } from './data-table.ts';

const right = { align: 'right' } as const;

/** The faults of an import; undefined when there are none. */
export function faultsTable(source: string, faults: readonly FaultCount[], rows: number): DataTable | undefined {
  if (faults.length === 0) return undefined;
  return {
    name: 'faults',
    caption: `What is wrong with ${source}: ${rows} rows`,
    columns: [
      { name: 'fault', title: 'fault' },
      { name: 'rows', title: 'rows', ...right },
      { name: 'usable', title: 'used all the same' },
      { name: 'meaning', title: 'what it means' },
      { name: 'where', title: 'where' },
    ],
    rows: faults.map(({ code, title, unusable, rows: count, where }) => [
      { text: code },
      { text: String(count), value: count },
      { text: unusable ? 'no' : 'yes, but for that figure', mark: unusable ? 'bad' : 'quiet' },
      { text: title },
      { text: shortened(where.map(({ what, rows: own }) => `${what || 'file'} (${own})`)) },
    ]),
    notes: [],
  };
}

const MOST = 6;

function shortened(parts: readonly string[]): string {
  const more = parts.length > MOST ? `; … and ${parts.length - MOST} more` : '';
  return `${parts.slice(0, MOST).join('; ')}${more}`;
}

const MEASURES = { asr: 'ASR', cleanAccuracy: 'clean accuracy' } as const;

/** Their figures beside ours, with the difference; `averaged` is what ours are averaged over. */
export function comparisonTable(
  source: string,
  comparisons: readonly Comparison[],
  averaged: readonly string[],
): DataTable {
  const names = [...new Set(comparisons.flatMap((one) => Object.keys(one.setting)))].filter((name) =>
    comparisons.some((one) => one.setting[name] !== null),
  );
  const ordered = [...comparisons].sort((a, b) => {
    if (a.measure !== b.measure) return a.measure < b.measure ? -1 : 1;
    return names.map((name) => compareFactor(a.setting[name], b.setting[name])).find((order) => order !== 0) ?? 0;
  });
  return {
    name: 'comparison',
    caption: `Ours beside ${source}, in per cent`,
    columns: [
      { name: 'measure', title: 'measure' },
      ...names.map((name) => ({ name, title: factorTitle(name) })),
      { name: 'ours', title: 'ours', ...right },
      { name: 'oursN', title: 'n', ...right },
      { name: 'theirs', title: 'theirs', ...right },
      { name: 'theirsN', title: 'n', ...right },
      { name: 'difference', title: 'difference', ...right },
      { name: 'differenceLow', title: 'from', ...right },
      { name: 'differenceHigh', title: 'to', ...right },
    ],
    rows: ordered.map(({ measure, setting, ours, theirs, difference, interval }) => [
      { text: MEASURES[measure], value: measure },
      ...names.map((name) => ({ text: formatFactor(name, setting[name]), value: setting[name] })),
      percent(ours.mean, ours.sd),
      { text: String(ours.n), value: ours.n },
      percent(theirs.mean, theirs.sd),
      { text: String(theirs.n), value: theirs.n },
      percent(difference),
      percent(interval?.low),
      percent(interval?.high),
    ]),
    notes: [
      'Difference: ours minus theirs, with the 95 % interval of Welch’s t. ± is the standard deviation over repeats.',
      ...(averaged.length > 0
        ? [`Our means average over ${averaged.map(factorTitle).join(', ')}, which theirs do not tell apart.`]
        : []),
    ],
  };
}

function percent(share: number | undefined, sd: number | null = null): DataCell {
  if (share === undefined) return { text: '–', value: null };
  const shown = (value: number) => (100 * value).toFixed(1).replace('-', '−');
  return { text: sd === null ? shown(share) : `${shown(share)} ± ${shown(sd)}`, value: share };
}
