// `triggerlab results rm`: forgets results, so that the next run of their experiment does them again.
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { inputError } from '../core/errors.ts';
import type { RunRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { type SelectionOptions, selectRuns, withSelection } from './results-options.ts';
import { withStore } from './with-store.ts';

interface Options extends SelectionOptions {
  readonly run: string[];
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function registerResultsRm(results: Command): void {
  const command = results
    .command('rm')
    .argument('[experiment]', 'name of an experiment')
    .description('remove results and their files; runs that an experiment plans become pending again')
    .option(
      '--run <id>',
      'a run, by its id or the beginning of it (repeatable)',
      (id: string, before: string[]) => [...before, id],
      [],
    )
    .option('--yes', 'do not ask');
  finish(withSelection(command), ['results rm quick --where poisonRate=2%', 'results rm --run 3fa94c1b --yes']).action(
    async (experiment: string | undefined, _local: Options, self: Command) => {
      // `results` knows --store, --where and --json too, and may have taken them.
      const options = self.optsWithGlobals<Options>();
      if (experiment === undefined && options.where.length === 0 && options.run.length === 0) {
        throw inputError('results rm: which results? Nothing was named', {
          hint: 'Name an experiment, conditions with --where field=value, or runs with --run ID.',
        });
      }
      await withStore(options.store, async (store) => {
        const runs = await chosenRuns(store, experiment, options);
        const done = runs.filter((run) => run.status === 'done').length;
        const what = `${count(runs.length, 'run')} (${done} done) in ${store.location}`;
        if (runs.length > 0 && !options.yes) await confirm(`Remove the results of ${what}?`);
        const removed = await store.removeRuns(runs.map((run) => run.runId));
        if (options.json) printJson({ removed, runs: runs.map((run) => run.runId) });
        else
          print(removed === 0 ? 'No such runs; nothing removed.' : `Removed the results of ${count(removed, 'run')}.`);
      });
    },
  );
}

async function chosenRuns(store: Store, experiment: string | undefined, options: Options): Promise<RunRecord[]> {
  const named = await Promise.all(options.run.map((id) => store.getRun(id)));
  if (named.length > 0 && experiment === undefined && options.where.length === 0) {
    return [...new Map(named.map((run) => [run.runId, run])).values()];
  }
  const selected = await selectRuns(store, experiment, options.where);
  return named.length === 0 ? selected : selected.filter((run) => named.some(({ runId }) => runId === run.runId));
}

/** @throws TriggerlabError (input) when nobody can be asked or the answer is not yes. */
async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw inputError(`${question} There is no terminal to ask on`, { hint: 'Add --yes to remove them.' });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw inputError('nothing removed');
  } finally {
    terminal.close();
  }
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}
