// `triggerlab worker`: does runs of a store on a server, beside any number of others, wherever they are.
import { type Command, Option } from 'commander';
import { inputError } from '../core/errors.ts';
import { chooseLayout } from '../runner/layout.ts';
import { openStore } from '../store/open.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { log, printJson } from './output.ts';
import { STORE_OPTIONS, stopOnSignals, type WorkOptions, withWork, work } from './work.ts';

interface Options extends WorkOptions {
  readonly store: string;
  readonly experiment?: string;
  readonly idle: number;
  readonly timeLimit?: number;
  readonly json?: boolean;
}

/** Runs that are not known beforehand: as many as there are cores. */
const MANY = 1_000_000;

export function registerWorker(program: Command): void {
  const command = program
    .command('worker')
    .description(
      'do runs that others have planned, from any machine that reaches the database; any number may work at once',
    )
    .addOption(
      new Option('--store <url>', 'postgres:// URL of the store').env('TRIGGERLAB_STORE').makeOptionMandatory(),
    )
    .option('--experiment <name>', 'only runs of this experiment')
    .option('--idle <seconds>', 'end after so long without work; 0: wait for ever', wholeNumber(0, 10_000_000), 60)
    .option(
      '--time-limit <seconds>',
      'stop after so long: runs in hand write a checkpoint, and another worker goes on from it',
      wholeNumber(1, 10_000_000),
    );
  finish(withWork(command), [
    'worker --store postgres://me@host/triggerlab',
    'worker --store postgres://me@host/triggerlab --experiment quick --idle 0',
    'worker --store postgres://me@host/triggerlab --workers 1 --time-limit 3300',
  ]).action(workerCommand);
}

async function workerCommand(options: Options): Promise<void> {
  if (!/^postgres(ql)?:\/\//i.test(options.store)) {
    throw inputError(`workers share a database server, and "${options.store}" is a directory`, {
      hint: 'With a directory, `triggerlab run SPEC --workers N` does all the work. A server: --store postgres://user@host/database.',
    });
  }
  const interrupt = stopOnSignals();
  const store = await openStore(options.store, { mode: 'use', ...STORE_OPTIONS });
  const limit = options.timeLimit === undefined ? undefined : AbortSignal.timeout(1000 * options.timeLimit);
  try {
    if (options.experiment !== undefined) await store.getExperiment(options.experiment);
    const summary = await work(store, {
      ...options,
      layout: chooseLayout([], Math.min(options.limit ?? MANY, MANY), options.workers),
      idleSeconds: options.idle === 0 ? Number.POSITIVE_INFINITY : options.idle,
      signal: limit ? AbortSignal.any([interrupt.signal, limit]) : interrupt.signal,
    });
    const stopped = interrupt.signal.aborted || limit?.aborted === true;
    if (options.json) printJson({ store: store.location, ...summary, stopped });
    else
      log(
        `${summary.done} done, ${summary.failed} failed, ${summary.skipped} skipped; ${summary.left} left in the store`,
      );
  } finally {
    await store.close();
    interrupt.release();
  }
}
