// A worker's life: claims runs from the queue, has them done by the pool's processes, records them. One failure never stops the rest.
import { rm } from 'node:fs/promises';
import { messageOf } from '../core/errors.ts';
import { diskFull, isDiskFull } from '../core/system-fault.ts';
import type { ClaimedRun, RunQueue } from '../queue/run-queue.ts';
import type { PlannedRun, RunSpec } from '../spec/run-spec.ts';
import type { Store } from '../store/store.ts';
import type { Admission } from './admission.ts';
import { Heartbeat } from './heartbeat.ts';
import { checkpointPath, removeLeftovers } from './leftovers.ts';
import type { Outcome, RunnerPool } from './pool.ts';
import type { Job, RunnerNews } from './protocol.ts';
import { keepCheckpoint, recordRun } from './record-run.ts';
import { TwinMaker } from './twins.ts';

export type SweepEvent =
  | { readonly kind: 'started'; readonly run: PlannedRun }
  | { readonly kind: 'skipped'; readonly run: PlannedRun; readonly reason: string }
  | { readonly kind: 'finished'; readonly run: PlannedRun; readonly outcome: Exclude<Outcome, { kind: 'stopped' }> }
  /** It will be tried again. */
  | { readonly kind: 'again'; readonly run: PlannedRun; readonly error: string }
  | { readonly kind: 'warning'; readonly message: string }
  /** `left`: runs that have no outcome yet, whoever does them. */
  | { readonly kind: 'progress'; readonly share: number; readonly left: number };

export interface SweepOptions {
  /** Take runs of this experiment only. */
  readonly experiment?: string;
  /** Do at most this many runs. */
  readonly limit?: number;
  /** Seconds without work after which to end; Infinity: wait for ever. Default 0: when nothing is left. */
  readonly idleSeconds?: number;
  /** Aborting it stops the runs in hand with a checkpoint; they become pending again. */
  readonly signal?: AbortSignal;
  /** How long runs that are stopped have for their checkpoint before their processes are ended. Default 15 s. */
  readonly graceSeconds?: number;
  /** Seconds between the checkpoints of a run; 0: only when it is stopped. Default 60. */
  readonly checkpointSeconds?: number;
  /** Makes what a run needs that is no other run. When it throws, the run fails with that reason. */
  readonly prepare?: ((run: RunSpec) => Promise<void>) | undefined;
  /** Keeps runs from taking more memory together than there is. */
  readonly admission?: Admission;
  readonly onEvent?: (event: SweepEvent) => void;
}

export interface SweepSummary {
  /** Of this worker. */
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  /** Runs of the experiment without an outcome, because of the limit, an interrupt, or because others are at them. */
  readonly left: number;
}

const POLL_MS = 1000;
const PATIENCE_SECONDS = 5;

/** Does runs until nothing is left to do, or as the options say. */
export function sweep(
  store: Store,
  queue: RunQueue,
  pool: RunnerPool,
  options: SweepOptions = {},
): Promise<SweepSummary> {
  return new Sweep(store, queue, pool, options).carryOut();
}

class Sweep {
  readonly #store: Store;
  readonly #queue: RunQueue;
  readonly #pool: RunnerPool;
  readonly #options: SweepOptions;
  readonly #twins: TwinMaker;
  readonly #heartbeat: Heartbeat;
  readonly #summary = { done: 0, failed: 0, skipped: 0 };
  #budget: number;
  #total = 0;
  #left = 0;
  #broken = false;
  #wake: () => void = () => {};
  #looking: Promise<boolean> | undefined;
  #idleSince: number | undefined;

  constructor(store: Store, queue: RunQueue, pool: RunnerPool, options: SweepOptions) {
    this.#store = store;
    this.#queue = queue;
    this.#pool = pool;
    this.#options = options;
    this.#budget = options.limit ?? Number.POSITIVE_INFINITY;
    this.#twins = new TwinMaker(store, (runId, spec) => pool.run({ runId, spec }, () => {}));
    const warn = (message: string) => this.#tell({ kind: 'warning', message });
    // Others may be at work on the same experiment.
    this.#heartbeat = new Heartbeat(queue, warn, async () => {
      this.#left = await this.#countLeft();
      this.#tellProgress();
    });
  }

  async carryOut(): Promise<SweepSummary> {
    const { experiment, signal, limit, graceSeconds = 15 } = this.#options;
    await this.#queue.join();
    await this.#queue.tidy();
    await removeLeftovers(this.#store).catch((error: unknown) =>
      this.#tell({ kind: 'warning', message: `what killed processes left could not be removed: ${messageOf(error)}` }),
    );
    this.#left = await this.#countLeft();
    this.#total = Math.min(this.#left, limit ?? this.#left);
    let grace: NodeJS.Timeout | undefined;
    const stop = () => {
      this.#pool.stop();
      this.#wake();
      grace = setTimeout(() => this.#pool.close(), 1000 * graceSeconds);
    };
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    this.#heartbeat.start();
    const ends = await Promise.allSettled(Array.from({ length: this.#pool.workers }, () => this.#work()));
    clearTimeout(grace);
    signal?.removeEventListener('abort', stop);
    await this.#heartbeat.stop();
    // The store failed one of the slots: the others have ended their run and taken no other.
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    await this.#queue.leave();
    const { pending, running } = await this.#queue.unfinished(experiment);
    return { ...this.#summary, left: pending + running };
  }

  get #stopped(): boolean {
    return this.#broken || this.#options.signal?.aborted === true;
  }

  async #countLeft(): Promise<number> {
    const { pending, running } = await this.#queue.unfinished(this.#options.experiment);
    return pending + running;
  }

  /** One slot: takes what can be done now, waits when nothing can. */
  async #work(): Promise<void> {
    try {
      while (!this.#stopped && this.#budget > 0) {
        this.#budget--;
        const run = await this.#queue.claim(this.#options.experiment);
        if (run) {
          this.#idleSince = undefined;
          await this.#do(run);
          this.#wake();
          continue;
        }
        this.#budget++;
        this.#looking ??= this.#lookAround().finally(() => {
          this.#looking = undefined;
        });
        if (!(await this.#looking)) return;
      }
    } catch (error) {
      this.#broken = true;
      this.#wake();
      throw error;
    }
  }

  /** Waits for a change; false when it is time to end. */
  async #lookAround(): Promise<boolean> {
    if (this.#idleSince !== undefined || this.#heartbeat.size > 0) await this.#pause();
    if (this.#stopped) return false;
    this.#idleSince ??= performance.now();
    await this.#queue.tidy(this.#heartbeat.runs);
    const { pending, running } = await this.#queue.unfinished(this.#options.experiment);
    this.#left = pending + running;
    this.#tellProgress();
    if (this.#heartbeat.size > 0) return true;
    const { idleSeconds = 0 } = this.#options;
    const idle = (performance.now() - this.#idleSince) / 1000;
    if (idleSeconds > 0) return idle < idleSeconds;
    if (running > 0) return true;
    // What is pending, can not be taken and is waited for by nobody: others may just be changing that.
    return pending > 0 && idle < PATIENCE_SECONDS;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #do(run: ClaimedRun): Promise<void> {
    this.#heartbeat.take(run.runId);
    try {
      await this.#carryThrough(run);
    } catch (error) {
      // No fault of the run, and nothing to wait for: it is free at once.
      if (isDiskFull(error)) await this.#queue.handBack(run.runId).catch(() => undefined);
      throw error;
    } finally {
      this.#heartbeat.drop(run.runId);
    }
  }

  async #carryThrough(run: ClaimedRun): Promise<void> {
    const obstacle = await this.#obstacle(run);
    if (obstacle) return this.#conclude(run, obstacle);
    const before = await this.#twins.before(run);
    if (this.#stopped) return this.#queue.handBack(run.runId);
    if ('reason' in before) {
      const { reason, crashed } = before;
      return crashed
        ? this.#conclude(run, { kind: 'failed', error: reason, memory: 0, crashed })
        : this.#skip(run, reason);
    }
    const leave = await this.#options.admission?.enter(run.spec);
    try {
      this.#tell({ kind: 'started', run });
      const outcome = await this.#pool.run(this.#job(run, before), (news) => this.#hear(run, news));
      await this.#conclude(run, outcome);
    } finally {
      leave?.();
    }
  }

  async #obstacle({ spec }: ClaimedRun): Promise<Extract<Outcome, { kind: 'failed' }> | undefined> {
    try {
      await this.#options.prepare?.(spec);
      return undefined;
    } catch (error) {
      return { kind: 'failed', error: messageOf(error), memory: 0, diskFull: isDiskFull(error) };
    }
  }

  async #skip(run: ClaimedRun, reason: string): Promise<void> {
    await this.#queue.skip(run.runId, reason);
    this.#summary.skipped++;
    this.#finish();
    this.#tell({ kind: 'skipped', run, reason });
  }

  #job({ runId, spec }: ClaimedRun, before: Pick<Job, 'twin' | 'base'>): Job {
    const { checkpointSeconds = 60 } = this.#options;
    const checkpoint = { path: checkpointPath(this.#store, runId), everySeconds: checkpointSeconds };
    return { runId, spec, checkpoint, ...before };
  }

  #hear({ runId }: ClaimedRun, news: RunnerNews): void {
    if (news.kind === 'progress') {
      this.#heartbeat.progress(runId, news.share);
      this.#tellProgress();
    } else if (news.kind === 'warning') this.#tell({ kind: 'warning', message: news.message });
    else if (news.kind === 'epoch') this.#queue.log.epoch(runId, news);
    else this.#queue.log.note(runId, news.kind, { epoch: news.epoch, steps: news.steps });
  }

  async #conclude(run: ClaimedRun, outcome: Outcome): Promise<void> {
    const { runId } = run;
    if (outcome.kind === 'stopped' || (this.#stopped && outcome.kind === 'failed')) {
      this.#budget++;
      return this.#queue.handBack(runId);
    }
    if (outcome.kind === 'failed') {
      if (outcome.diskFull) throw diskFull(outcome.error);
      if (await this.#queue.fail(runId, outcome.error, outcome.crashed === true)) {
        this.#budget++;
        return this.#tell({ kind: 'again', run, error: outcome.error });
      }
      await keepCheckpoint(this.#store, run, checkpointPath(this.#store, runId));
      this.#summary.failed++;
    } else {
      await recordRun(this.#store, this.#queue, run, outcome);
      this.#summary.done++;
    }
    await rm(checkpointPath(this.#store, runId), { force: true });
    this.#finish();
    this.#tell({ kind: 'finished', run, outcome });
  }

  #finish(): void {
    this.#left = Math.max(0, this.#left - 1);
    this.#tellProgress();
  }

  #tell(event: SweepEvent): void {
    this.#options.onEvent?.(event);
  }

  #tellProgress(): void {
    const { limit = Number.POSITIVE_INFINITY } = this.#options;
    const { done, failed, skipped } = this.#summary;
    const finished = Number.isFinite(limit) ? done + failed + skipped : this.#total - this.#left;
    const share = this.#total === 0 ? 1 : (finished + this.#heartbeat.shares) / this.#total;
    this.#tell({ kind: 'progress', share: Math.min(1, Math.max(0, share)), left: this.#left });
  }
}
