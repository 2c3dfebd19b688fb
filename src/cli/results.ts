// `triggerlab results`: what was measured, run by run or put together, as a table, CSV, JSON, LaTeX or Parquet.
import { type Command, Option } from 'commander';
import { isDefended } from '../analysis/factors.ts';
import { inputError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { dataTableLatex } from '../report/data-table.ts';
import { resultsDataTable, resultsTable } from '../report/results-table.ts';
import { STEALTH_COLUMNS } from '../report/stealth-columns.ts';
import { csvRows, csvText } from '../store/csv.ts';
import { columnNames, type FlatRun, flattenRun } from '../store/flatten.ts';
import type { RunRecord } from '../store/records.ts';
import { plannedRecord, type Selection } from '../store/selection.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson, printJsonList, write } from './output.ts';
import { groupsCsv, groupsLatex, groupsText, readGroups } from './results-groups.ts';
import { type SelectionOptions, selectionOf, withSelection } from './results-options.ts';
import { registerResultsRm } from './results-rm.ts';
import { runsText } from './results-text.ts';
import { withStore } from './with-store.ts';

interface Options extends SelectionOptions {
  readonly format: 'table' | 'csv' | 'json' | 'latex' | 'parquet';
  readonly groupBy?: string;
  readonly stealth?: boolean;
  readonly out?: string;
  readonly limit?: number;
  readonly offset?: number;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Rows of a table unless asked otherwise. */
const TABLE_ROWS = 100;

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
    .option('--limit <n>', `at most so many runs (${TABLE_ROWS} in a table, else all)`, wholeNumber(1, 1_000_000))
    .option('--offset <n>', 'leave out so many runs before them', wholeNumber(0, 1_000_000))
    .addOption(new Option('--all', 'all runs in a table, too').conflicts('limit'))
    .option('--stealth', 'in tables too: how visible the triggers are (L∞, L2, PSNR, SSIM, feature distance)');
  finish(withSelection(command), [
    'results',
    'results quick --where attack=badnets,poisonRate=0.5%',
    'results quick --group-by model,poisonRate',
    'results quick --limit 20 --offset 40',
    'results attacks --group-by attack --stealth',
    'results quick --format csv > runs.csv',
    'results quick --format parquet --out runs.parquet',
    'results rm quick --where seed=3',
  ]).action(async (experiment: string | undefined, options: Options) => {
    checkOptions(options);
    await withStore(options.store, async (store) => {
      const selection = await selectionOf(store, experiment, options.where);
      if (options.groupBy !== undefined) await printGroups(selection, options.groupBy, options);
      else await printRuns(selection, experiment, options);
    });
  });
  registerResultsRm(command);
}

/** @throws TriggerlabError (input) for options that do not go together. */
function checkOptions({ format, out, groupBy, limit, offset, all }: Options): void {
  if (format === 'parquet' && (out === undefined || groupBy !== undefined)) {
    throw inputError('--format parquet writes all runs to a file: name it with --out, without --group-by', {
      hint: 'For example --format parquet --out runs.parquet',
    });
  }
  const paged = limit !== undefined || offset !== undefined || all;
  if (paged && (groupBy !== undefined || format === 'parquet' || format === 'latex')) {
    throw inputError('--limit, --offset and --all are for lists of runs as a table, CSV or JSON', {
      hint: 'Narrow other forms with --where field=value.',
    });
  }
}

async function printGroups(selection: Selection, fields: string, options: Options): Promise<void> {
  const format = options.json ? 'json' : options.format;
  const stealth = options.stealth ? STEALTH_COLUMNS : [];
  const groups = await readGroups(selection, fields, { every: format === 'json', stealth });
  if (format === 'json') printJson({ groups: groups.groups.map(({ key, n, metrics }) => ({ key, n, metrics })) });
  else if (format === 'csv') await write(groupsCsv(groups, stealth));
  else if (format === 'latex') await write(groupsLatex(groups, stealth));
  else print(groupsText(groups, stealth));
}

async function printRuns(selection: Selection, experiment: string | undefined, options: Options): Promise<void> {
  const { limit, offset = 0 } = options;
  const flat = (run: RunRecord) => flattenRun(run, experiment);
  const format = options.json ? 'json' : options.format;
  if (format === 'json') {
    await printJsonList('runs', batched(selection.batches({ limit, offset }), flat));
  } else if (format === 'csv') {
    const names = await csvColumns(selection, flat);
    await write(csvText(names, []));
    for await (const runs of selection.batches({ limit, offset })) await write(csvRows(names, runs.map(flat)));
  } else if (format === 'latex') {
    await write(dataTableLatex(resultsDataTable(resultsTable(await selection.runs()))));
  } else if (format === 'parquet') {
    const { runsToParquet } = await import('../store/parquet.ts');
    const runs = (await selection.runs()).map(flat);
    await writeFileAtomic(String(options.out), runsToParquet(runs));
    print(`${options.out}: ${runs.length} runs`);
  } else {
    const page = { offset, ...(options.all ? {} : { limit: limit ?? TABLE_ROWS }) };
    const [runs, counts] = await Promise.all([selection.runs(page), selection.counts()]);
    print(runsText(runs, { offset, counts }, options.stealth ? STEALTH_COLUMNS : []));
  }
}

/** The columns that the runs have: known from their settings, but for what defences found. */
async function csvColumns(selection: Selection, flat: (run: RunRecord) => FlatRun): Promise<string[]> {
  const settings = await selection.settings();
  const defended = settings.some(({ spec }) => isDefended(spec));
  return columnNames((defended ? await selection.runs() : settings.map(({ spec }) => plannedRecord(spec))).map(flat));
}

async function* batched<In, Out>(batches: AsyncIterable<In[]>, each: (item: In) => Out): AsyncGenerator<Out[]> {
  for await (const batch of batches) yield batch.map(each);
}
