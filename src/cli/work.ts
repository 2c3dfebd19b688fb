// What `run` and `worker` share: options, signals, and a sweep with its progress on stderr.
import { randomUUID } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import type { Command } from 'commander';
import { formatSeconds } from '../core/format.ts';
import { RunQueue } from '../queue/run-queue.ts';
import { Admission } from '../runner/admission.ts';
import type { Layout } from '../runner/layout.ts';
import { RunnerPool } from '../runner/pool.ts';
import { runMemory } from '../runner/run-memory.ts';
import { type SweepEvent, type SweepSummary, sweep } from '../runner/sweep.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import type { Store } from '../store/store.ts';
import { describeRun, runTitle } from './describe-run.ts';
import { secondsUpTo, sizeInBytes, wholeNumber } from './numbers.ts';
import { log } from './output.ts';
import { Progress } from './progress.ts';
import { trainEncoders } from './train-encoders.ts';

export { stopOnSignals } from './signals.ts';

export interface WorkOptions {
  readonly workers?: number;
  readonly limit?: number;
  readonly memory?: number;
  readonly attempts: number;
  readonly lease: number;
  readonly checkpoint: number;
}

/** How long a worker waits for a database server that went away. */
const PATIENCE_SECONDS = 600;

export const STORE_OPTIONS = {
  warn: (message: string) => log(`warning: ${message}`),
  patience: {
    seconds: PATIENCE_SECONDS,
    onWait: (waiting: boolean) =>
      log(waiting ? 'the database cannot be reached: waiting for it' : 'the database is back'),
  },
};

/** Adds the options of commands that do runs; `fewest` workers are one, or none for a command that can do without. */
export function withWork(command: Command, fewest = 1): Command {
  return command
    .option(
      '--workers <n>',
      'runs at the same time (default: as bench workers measured, else one per core)',
      wholeNumber(fewest, 256),
    )
    .option('--limit <n>', 'do at most n runs now', wholeNumber(1, 1_000_000))
    .option(
      '--memory <size>',
      'what all runs may take together, such as 8GB (default: 85 % of what is free)',
      sizeInBytes,
    )
    .option('--attempts <n>', 'tries of a run whose process ends, before it is set aside', wholeNumber(1, 1000), 3)
    .option(
      '--checkpoint <seconds>',
      'time between checkpoints of a run; 0: only when stopped',
      secondsUpTo(86_400),
      60,
    )
    .option('--lease <seconds>', 'a worker silent for so long loses its runs', wholeNumber(1, 3600), 60);
}

export interface Work extends WorkOptions {
  readonly layout: Layout;
  readonly experiment?: string;
  /** Runs of the experiment; undefined when there is no end to the work. */
  readonly total?: number;
  readonly idleSeconds?: number;
  readonly signal: AbortSignal;
}

/** Does runs of a store until there are none left, with progress on stderr. */
export async function work(store: Store, options: Work): Promise<SweepSummary> {
  const { workers, threads } = options.layout;
  const cores = availableParallelism();
  const id = `${hostname()}-${process.pid}-${randomUUID().slice(0, 6)}`;
  const queue = new RunQueue(
    store.database,
    { worker: id, host: hostname(), pid: process.pid, slots: workers, threads },
    { leaseSeconds: options.lease, attempts: options.attempts },
  );
  const pool = new RunnerPool({ workers, threads });
  const warn = (message: string) => log(`warning: ${message}`);
  const admission = new Admission({ budget: options.memory, predict: runMemory, warn });
  if (workers > cores) log(`${workers} workers share ${cores} cores: more than one per core gains nothing`);
  const view = new WorkView(options.total);
  const started = performance.now();
  let encoders = Promise.resolve();
  // One at a time, on all cores: the runs that come meanwhile mostly need the same one.
  const prepare = (spec: RunSpec) => {
    const trained = encoders.then(() => trainEncoders([spec], cores, options.signal));
    encoders = trained.catch(() => undefined);
    return trained;
  };
  try {
    const { experiment, limit, idleSeconds, signal } = options;
    const summary = await sweep(store, queue, pool, {
      ...{ experiment, limit, idleSeconds, signal, admission, prepare },
      checkpointSeconds: options.checkpoint,
      onEvent: (event) => view.show(event),
    });
    view.end();
    if (view.finished > 0) {
      const took = formatSeconds((performance.now() - started) / 1000);
      log(`${view.finished} runs in ${took} with ${workers} workers`);
    }
    return summary;
  } finally {
    view.end();
    pool.close();
  }
}

/** The progress line and a line for every run that ends. */
class WorkView {
  finished = 0;
  readonly #total: number | undefined;
  readonly #progress = new Progress();
  #left: number | undefined;

  constructor(total: number | undefined) {
    this.#total = total;
  }

  show(event: SweepEvent): void {
    if (event.kind === 'progress') {
      if (this.#left === undefined && this.#total !== undefined && event.left < this.#total) {
        log(`${this.#total - event.left} of ${this.#total} runs are done already`);
      }
      this.#left = event.left;
      this.#progress.update(
        event.share,
        this.#total === undefined ? `${event.left} runs left` : `${this.#position}/${this.#total} runs`,
      );
    } else if (event.kind === 'warning') this.#progress.note(`warning: ${event.message}`);
    else if (event.kind === 'again') this.#progress.note(`${runTitle(event.run.spec)}: ${event.error}: tried again`);
    else if (event.kind !== 'started') {
      this.finished++;
      this.#progress.note(describeRun(event, this.#position, this.#total ?? this.#position + (this.#left ?? 0)));
    }
  }

  end(): void {
    this.#progress.end();
  }

  get #position(): number {
    return this.#total === undefined ? this.finished : this.#total - (this.#left ?? 0);
  }
}
