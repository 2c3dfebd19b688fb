// `triggerlab retry`: gives failed runs another try; without a choice it tells what they failed of.
import type { Command } from 'commander';
import { inputError } from '../core/errors.ts';
import { failureGroups, retryFailed } from '../queue/retry.ts';
import { DEFAULT_STORE } from '../store/open.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { withStore } from './with-store.ts';

interface Options {
  readonly store: string;
  readonly failed?: boolean;
  readonly run: string[];
  readonly json?: boolean;
}

export function registerRetry(program: Command): void {
  const command = program
    .command('retry')
    .argument('[experiment]', 'name of an experiment; all of the store unless given')
    .description(
      'make failed runs pending again, with those that were skipped for want of them; `run` or a worker then does them',
    )
    .option('--failed', 'all failed runs')
    .option(
      '--run <id>',
      'this run, by its id or the beginning of it (repeatable)',
      (id: string, before: string[]) => [...before, id],
      [],
    )
    .option('--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE);
  finish(command, ['retry --failed', 'retry --failed quick', 'retry --run 3fa94c1b']).action(
    async (experiment: string | undefined, { store: location, failed, run, json }: Options) => {
      if (!failed && run.length === 0) {
        throw inputError('retry: which runs? Nothing was named', {
          hint: 'All that failed: --failed. Some: --run ID. `triggerlab status` shows what they failed of.',
        });
      }
      await withStore(location, async (store) => {
        if (experiment !== undefined) await store.getExperiment(experiment);
        const ids = failed
          ? undefined
          : (await Promise.all(run.map((id) => store.getRun(id)))).map(({ runId }) => runId);
        const failures = await failureGroups(store.database, experiment);
        const retried = await retryFailed(store.database, { experiment, ids, anew: true });
        if (json) return printJson({ retried, failures });
        return print(
          retried === 0
            ? 'No such runs failed.'
            : `${retried} runs are pending again. Do them: triggerlab run SPEC, or a worker.`,
        );
      });
    },
  );
}
