// `triggerlab analyze`: which characteristic matters, the paper's claims, and how many repeats an effect needs.
import type { Command } from 'commander';
import { analyzeRuns } from '../analysis/analyze.ts';
import { inputError } from '../core/errors.ts';
import { anovaTable, claimsTable, importanceTable, openClaimsTable, powerTable } from '../report/analysis-tables.ts';
import { dataTableText } from '../report/data-table.ts';
import { statusLine } from '../report/results-table.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { type SelectionOptions, selectRuns, withSelection, withStore } from './results-options.ts';

interface Options extends SelectionOptions {
  readonly json?: boolean;
}

export function registerAnalyze(program: Command): void {
  const command = program
    .command('analyze')
    .argument('<experiment>', 'name of an experiment')
    .description('attribution of attack success and clean accuracy drop, tests of the paper’s claims, power');
  finish(withSelection(command), [
    'analyze attribution',
    'analyze attribution --where model=resnet-mini',
    'analyze attribution --json',
  ]).action(async (experiment: string, options: Options) => {
    const runs = await withStore(options.store, (store) => selectRuns(store, experiment, options.where));
    if (!runs.some((run) => run.status === 'done' && run.metrics?.asr != null)) {
      throw inputError(`no attacked run of "${experiment}" is done: there is nothing to analyse`, {
        hint: `${statusLine(runs)} triggerlab results ${experiment} shows them.`,
      });
    }
    const analysis = analyzeRuns(runs);
    if (options.json) return printJson({ experiment, ...analysis });
    const tables = [
      ...analysis.attributions.flatMap(({ scope, asr, cad }) =>
        [asr, cad].flatMap((one) => (one ? [importanceTable(scope, one), anovaTable(scope, one)] : [])),
      ),
      claimsTable(analysis.claims),
      ...[openClaimsTable(analysis.claims) ?? []].flat(),
      ...(analysis.power.length > 0 ? [powerTable(analysis.power)] : []),
    ];
    return print([...tables.map(dataTableText), ...analysis.notes, statusLine(runs)].join('\n\n'));
  });
}
