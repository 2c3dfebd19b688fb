// `triggerlab results`: what was measured, run by run or put together, as a table, CSV or JSON.
import { type Command, Option } from 'commander';
import { aggregate, mixedFactors, type RunGroup } from '../analysis/aggregate.ts';
import { compareFactor, factorsAcross, factorsOf, factorTitle, formatFactor } from '../analysis/factors.ts';
import { shareOf } from '../analysis/intervals.ts';
import { inputError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { didYouMean } from '../core/suggest.ts';
import { type DataTable, dataTableLatex } from '../report/data-table.ts';
import { resultsDataTable, resultsTable, shareText, statusLine } from '../report/results-table.ts';
import { STEALTH_COLUMNS, type StealthColumn, stealthMean, stealthText } from '../report/stealth-columns.ts';
import { type TextColumn, textTable } from '../report/text-table.ts';
import { csvText, runsToCsv } from '../store/csv.ts';
import { flattenRun } from '../store/flatten.ts';
import type { RunRecord } from '../store/records.ts';
import { canonicalField } from '../store/where.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { type SelectionOptions, selectRuns, withSelection, withStore } from './results-options.ts';
import { registerResultsRm } from './results-rm.ts';

interface Options extends SelectionOptions {
  readonly format: 'table' | 'csv' | 'json' | 'latex' | 'parquet';
  readonly groupBy?: string;
  readonly stealth?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

export function registerResults(program: Command): void {
  const command = program
    .command('results')
    .argument('[experiment]', 'name of an experiment; all runs of the store unless given')
    .description('runs with what they measured; works while a run is going on')
    .addOption(
      new Option('--format <kind>', 'how to print them')
        .choices(['table', 'csv', 'json', 'latex', 'parquet'])
        .default('table')
        .conflicts('json'),
    )
    .option('--out <file>', 'where to write a Parquet file')
    .option('--group-by <field,…>', 'mean ± standard deviation over the runs that share these fields')
    .option('--stealth', 'in tables too: how visible the triggers are (L∞, L2, PSNR, SSIM, feature distance)');
  finish(withSelection(command), [
    'results',
    'results quick --where attack=badnets,poisonRate=0.5%',
    'results quick --group-by model,poisonRate',
    'results attacks --group-by attack --stealth',
    'results quick --format csv > runs.csv',
    'results quick --format parquet --out runs.parquet',
    'results rm quick --where seed=3',
  ]).action(async (experiment: string | undefined, options: Options) => {
    const runs = await withStore(options.store, (store) => selectRuns(store, experiment, options.where));
    const format = options.json ? 'json' : options.format;
    if (format === 'parquet') return writeParquet(runs, experiment, options);
    const stealth = options.stealth ? STEALTH_COLUMNS : [];
    if (options.groupBy === undefined) printRuns(runs, experiment, format, stealth);
    else printGroups(runs, groupFields(options.groupBy, runs), format, stealth);
  });
  registerResultsRm(command);
}

function printRuns(
  runs: readonly RunRecord[],
  experiment: string | undefined,
  format: Options['format'],
  stealth: readonly StealthColumn[],
): void {
  const flat = runs.map((run) => flattenRun(run, experiment));
  if (format === 'json') printJson({ runs: flat });
  else if (format === 'csv') process.stdout.write(runsToCsv(flat));
  else if (format === 'latex') process.stdout.write(dataTableLatex(resultsDataTable(resultsTable(runs))));
  else print(runsText(runs, stealth));
}

const SHARES = [
  { name: 'cleanAccuracy', title: 'clean acc. %' },
  { name: 'asr', title: 'ASR %' },
  { name: 'falseTriggerRate', title: 'false trig. %' },
  { name: 'cad', title: 'CAD %' },
  { name: 'naturalAsr', title: 'natural ASR %' },
] as const;

/** Source-specific attacks alone have a false trigger rate. */
function sharesOf(runs: readonly RunRecord[]) {
  const measured = runs.some(({ metrics }) => (metrics?.falseTriggerRate ?? null) !== null);
  return SHARES.filter(({ name }) => name !== 'falseTriggerRate' || measured);
}

/** One line per run: its id, what varies between the runs, and the shares; what all have in common stands above. */
export function runsText(runs: readonly RunRecord[], stealth: readonly StealthColumn[] = []): string {
  if (runs.length === 0) return 'No runs.';
  const { varying, constant, seeds } = factorsAcross(runs.map((run) => run.spec));
  const factors = seeds.length > 1 ? [...varying, 'seed'] : varying;
  const many = new Set(runs.map((run) => run.experiments.join(', '))).size > 1;
  const width = idWidth(runs);
  const shares = sharesOf(runs);
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
  return [
    ...(common.length > 0 ? [common.join(', '), ''] : []),
    textTable(columns, rows),
    '',
    ...troubles.slice(0, 10),
    ...(troubles.length > 10 ? [`… and ${troubles.length - 10} more; --json has all of them.`] : []),
    statusLine(runs),
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
  const longest = Math.max(...runs.map((run) => run.runId.length));
  for (let width = 8; width < longest; width++) {
    if (new Set(runs.map((run) => run.runId.slice(0, width))).size === runs.length) return width;
  }
  return longest;
}

function factorColumns(names: readonly string[], valuesOf: (name: string) => unknown[]): TextColumn[] {
  return names.map((name) => ({
    title: factorTitle(name),
    align: valuesOf(name).some((value) => typeof value === 'string') ? 'left' : 'right',
  }));
}

/** @throws TriggerlabError (input) for a field that is not a factor of any run. */
function groupFields(text: string, runs: readonly RunRecord[]): string[] {
  const known = [...new Set(runs.flatMap((run) => Object.keys(factorsOf(run.spec))))];
  const names = text
    .split(',')
    .map((name) => canonicalField(name.trim(), known))
    .filter((name) => name !== '');
  for (const name of names) {
    if (runs.length > 0 && !known.includes(name)) {
      throw inputError(`--group-by: no run has a factor "${name}"`, { hint: didYouMean(name, known) });
    }
  }
  return names;
}

function printGroups(
  runs: readonly RunRecord[],
  fields: readonly string[],
  format: Options['format'],
  stealth: readonly StealthColumn[],
): void {
  const groups = aggregate(runs, fields).sort((a, b) => {
    const differing = fields.find((name) => compareFactor(a.key[name], b.key[name]) !== 0);
    return differing === undefined ? 0 : compareFactor(a.key[differing], b.key[differing]);
  });
  if (format === 'json') printJson({ groups: groups.map(({ key, n, metrics }) => ({ key, n, metrics })) });
  else if (format === 'csv') process.stdout.write(groupsCsv(groups, fields, stealth));
  else if (format === 'latex') process.stdout.write(dataTableLatex(groupsTable(groups, fields, runs, stealth)));
  else print(groupsText(groups, fields, runs, stealth));
}

function groupsText(
  groups: readonly RunGroup[],
  fields: readonly string[],
  runs: readonly RunRecord[],
  stealth: readonly StealthColumn[],
): string {
  const { columns, rows, notes } = groupsTable(groups, fields, runs, stealth);
  const texts = rows.map((row) => row.map((cell) => cell.text));
  return [textTable(columns, texts), '', ...notes].join('\n');
}

function groupsTable(
  groups: readonly RunGroup[],
  fields: readonly string[],
  runs: readonly RunRecord[],
  stealth: readonly StealthColumn[],
): DataTable {
  const factors = factorColumns(fields, (name) => groups.map((group) => group.key[name]));
  const shares = sharesOf(runs);
  const mixed = [...new Set(groups.flatMap(mixedFactors))].map(factorTitle);
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
      statusLine(runs),
    ],
  };
}

/** One row per run, columns as in CSV; values of other kinds than numbers and truth values as text. */
async function writeParquet(
  runs: readonly RunRecord[],
  experiment: string | undefined,
  options: Options,
): Promise<void> {
  if (options.out === undefined || options.groupBy !== undefined) {
    throw inputError('--format parquet writes all runs to a file: name it with --out, without --group-by', {
      hint: 'For example --format parquet --out runs.parquet',
    });
  }
  const { runsToParquet } = await import('../store/parquet.ts');
  await writeFileAtomic(options.out, runsToParquet(runs.map((run) => flattenRun(run, experiment))));
  print(`${options.out}: ${runs.length} runs`);
}

function groupsCsv(groups: readonly RunGroup[], fields: readonly string[], stealth: readonly StealthColumn[]): string {
  const measured = [...sharesOf(groups.flatMap(({ runs }) => runs)), ...stealth];
  const header = [...fields, 'n', ...measured.flatMap(({ name }) => [name, `${name}Sd`])];
  const rows = groups.map((group) => [
    ...fields.map((name) => group.key[name]),
    group.n,
    ...measured.flatMap(({ name }) => [group.metrics[name]?.mean, group.metrics[name]?.sd]),
  ]);
  return csvText(header, rows);
}
