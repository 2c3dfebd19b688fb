// `triggerlab analyze`: which characteristic matters, the paper's claims, and how many repeats an effect needs.
import { type Command, Option } from 'commander';
import { type Analysis, analyze, analyzeRuns } from '../analysis/analyze.ts';
import { compare, type MatchBy } from '../analysis/external/compare.ts';
import { countFaults, evidenceOf } from '../analysis/external/evidence.ts';
import type { ExternalRun } from '../analysis/external/record.ts';
import { observationsOf } from '../analysis/observations.ts';
import { inputError } from '../core/errors.ts';
import { anovaTable, claimsTable, importanceTable, openClaimsTable, powerTable } from '../report/analysis-tables.ts';
import { type DataTable, dataTableText } from '../report/data-table.ts';
import { comparisonTable, faultsTable } from '../report/external-tables.ts';
import { statusLine } from '../report/results-table.ts';
import type { RunRecord } from '../store/records.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { type SelectionOptions, selectRuns, withSelection } from './results-options.ts';
import { withStore } from './with-store.ts';

interface Options extends SelectionOptions {
  readonly external: string[];
  readonly compare?: string;
  readonly match: MatchBy;
  readonly json?: boolean;
}

export function registerAnalyze(program: Command): void {
  const command = program
    .command('analyze')
    .argument('[experiment]', 'name of an experiment')
    .description('attribution of attack success and clean accuracy drop, tests of the paper’s claims, power')
    .option(
      '--external <name>',
      'analyse published results instead of an experiment (repeatable): see import',
      (text: string, before: string[]) => [...before, text],
      [],
    )
    .option('--compare <name>', 'published results to set beside those of the experiment')
    .addOption(
      new Option(
        '--match <how>',
        'which models to compare: of the same name, or of one family (resnet-mini, resnet152)',
      )
        .choices(['model', 'family'])
        .default('model'),
    );
  finish(withSelection(command), [
    'analyze attribution',
    'analyze attribution --where model=resnet-mini --json',
    'analyze --external sok-ssba',
    'analyze attribution --compare sok-badnets --match family',
  ]).action(analyzeCommand);
}

async function analyzeCommand(experiment: string | undefined, options: Options): Promise<void> {
  const published = options.external.length > 0;
  if ((experiment !== undefined) === published) {
    throw inputError('analyze takes an experiment or --external, one of the two', {
      hint: 'For example: triggerlab analyze attribution, or triggerlab analyze --external sok-ssba.',
    });
  }
  if (experiment === undefined) return analyzePublished(options);
  const { runs, theirs } = await withStore(options.store, async (store) => ({
    runs: await selectRuns(store, experiment, options.where),
    theirs: options.compare === undefined ? [] : await store.external.rows<ExternalRun>(options.compare),
  }));
  requireResults(experiment, runs);
  const analysis = analyzeRuns(runs);
  const beside =
    options.compare === undefined ? undefined : comparisonWith(options.compare, runs, theirs, options.match);
  if (options.json) return printJson({ experiment, ...analysis, comparison: beside?.data ?? null });
  return print([...tablesOf(analysis), ...(beside ? [beside.text] : []), statusLine(runs)].join('\n\n'));
}

async function analyzePublished({ external, where, store: location, json }: Options): Promise<void> {
  if (where.length > 0) {
    throw inputError('--where does not go with --external', {
      hint: 'Import fewer files, or give them names of their own.',
    });
  }
  const runs = await withStore(location, async (store) => {
    const rows: ExternalRun[] = [];
    for (const name of external) rows.push(...(await store.external.rows<ExternalRun>(name)));
    return rows;
  });
  const { attacks, defences, unusable } = evidenceOf(runs);
  const notes = unusable > 0 ? [`${unusable} of ${runs.length} rows are left out for what is wrong with them.`] : [];
  const analysis = analyze(attacks, defences, notes);
  const faults = countFaults(runs);
  if (json) return printJson({ external, rows: runs.length, unusable, faults, ...analysis });
  const table = faultsTable(external.join(', '), faults, runs.length);
  return print([...(table ? [dataTableText(table)] : []), ...tablesOf(analysis)].join('\n\n'));
}

function requireResults(experiment: string, runs: readonly RunRecord[]): void {
  if (runs.some((run) => run.status === 'done' && run.metrics?.asr != null)) return;
  throw inputError(`no attacked run of "${experiment}" is done: there is nothing to analyse`, {
    hint: `${statusLine(runs)} triggerlab results ${experiment} shows them.`,
  });
}

function comparisonWith(name: string, runs: readonly RunRecord[], theirs: readonly ExternalRun[], by: MatchBy) {
  const found = compare(observationsOf(runs), evidenceOf(theirs).attacks, by);
  const hint = by === 'model' ? ' --match family compares models of one family.' : '';
  const text =
    found.comparisons.length > 0
      ? dataTableText(comparisonTable(name, found.comparisons, found.averaged))
      : `No setting of ${name} is among these runs: nothing to compare.${hint}`;
  return { data: { source: name, match: by, ...found }, text };
}

function tablesOf(analysis: Analysis): string[] {
  const tables: (DataTable | undefined)[] = [
    ...analysis.attributions.flatMap(({ scope, asr, cad }) =>
      [asr, cad].flatMap((one) => (one ? [importanceTable(scope, one), anovaTable(scope, one)] : [])),
    ),
    claimsTable(analysis.claims),
    openClaimsTable(analysis.claims),
    analysis.power.length > 0 ? powerTable(analysis.power) : undefined,
  ];
  return [
    ...tables.flatMap((table) => (table && table.rows.length > 0 ? [dataTableText(table)] : [])),
    ...analysis.notes,
  ];
}
