// Carries out what is left of an experiment: clean twins before the runs that are compared with them, one failure at a time.
import type { PlannedRun } from '../spec/run-spec.ts';
import type { Store } from '../store/store.ts';
import type { Twin } from './execute-run.ts';
import type { Outcome, RunnerPool } from './pool.ts';

/** Kind of artifact under which a clean run's trained state is kept for the runs that are compared with it. */
export const TRAINED_ARTIFACT = 'trained';

/** Kind of artifact that says which rows of a run were poisoned. */
export const POISON_ARTIFACT = 'poison';

export type SweepEvent =
  | { readonly kind: 'started'; readonly run: PlannedRun }
  | { readonly kind: 'skipped'; readonly run: PlannedRun; readonly reason: string }
  | { readonly kind: 'finished'; readonly run: PlannedRun; readonly outcome: Outcome }
  | { readonly kind: 'progress'; readonly share: number };

export interface SweepOptions {
  /** Do at most this many runs. */
  readonly limit?: number;
  /** Aborting it ends the processes at once; runs in hand become pending again. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: SweepEvent) => void;
}

export interface SweepSummary {
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  /** Runs left undone because of the limit or an interrupt. */
  readonly left: number;
}

/** Does the pending runs of a recorded experiment. One failure never stops the others. */
export async function sweep(
  store: Store,
  pool: RunnerPool,
  experiment: string,
  options: SweepOptions = {},
): Promise<SweepSummary> {
  return new Sweep(store, pool, options).carryOut(await store.pendingRuns(experiment));
}

class Sweep {
  readonly #store: Store;
  readonly #pool: RunnerPool;
  readonly #options: SweepOptions;
  readonly #shares = new Map<string, number>();
  readonly #inHand = new Map<string, Promise<void>>();
  /** Twins whose trained state was lost, made again once for all who need them. */
  readonly #made = new Map<string, Promise<Twin | string>>();
  readonly #summary = { done: 0, failed: 0, skipped: 0 };
  #waiting: PlannedRun[] = [];
  #total = 0;
  #broken = false;

  constructor(store: Store, pool: RunnerPool, options: SweepOptions) {
    this.#store = store;
    this.#pool = pool;
    this.#options = options;
  }

  async carryOut(pending: readonly PlannedRun[]): Promise<SweepSummary> {
    const chosen = pending.slice(0, this.#options.limit ?? pending.length);
    this.#waiting = [...chosen];
    this.#total = chosen.length;
    const stop = () => this.#pool.close();
    this.#options.signal?.addEventListener('abort', stop);
    const ends = await Promise.allSettled(Array.from({ length: this.#pool.workers }, () => this.#work()));
    this.#options.signal?.removeEventListener('abort', stop);
    // The store failed one of the workers: the others have ended their run and taken no other.
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    const { done, failed, skipped } = this.#summary;
    return { ...this.#summary, left: pending.length - done - failed - skipped };
  }

  get #stopped(): boolean {
    return this.#broken || this.#options.signal?.aborted === true;
  }

  /** One worker's life: takes what can be done now, waits for a twin in hand when nothing else can. */
  async #work(): Promise<void> {
    while (!this.#stopped && this.#waiting.length > 0) {
      const at = this.#waiting.findIndex(({ twinId }) => twinId === undefined || !this.#isComing(twinId));
      if (at < 0) {
        await Promise.race(this.#inHand.values()).catch(() => {});
        continue;
      }
      const [run] = this.#waiting.splice(at, 1);
      const doing = this.#do(run);
      this.#inHand.set(run.runId, doing);
      try {
        await doing;
      } catch (error) {
        this.#broken = true;
        throw error;
      } finally {
        this.#inHand.delete(run.runId);
      }
    }
  }

  #isComing(runId: string): boolean {
    return this.#inHand.has(runId) || this.#waiting.some((run) => run.runId === runId);
  }

  async #do(run: PlannedRun): Promise<void> {
    const twin = run.twinId === undefined ? undefined : await this.#twin(run.twinId);
    if (this.#stopped) return;
    if (typeof twin === 'string') {
      await this.#store.recordSkipped(run.runId, twin);
      this.#summary.skipped++;
      this.#finish(run);
      this.#options.onEvent?.({ kind: 'skipped', run, reason: twin });
      return;
    }
    await this.#store.markRunning(run.runId);
    this.#options.onEvent?.({ kind: 'started', run });
    const outcome = await this.#pool.run({ runId: run.runId, spec: run.spec, twin }, (share) => {
      this.#shares.set(run.runId, share);
      this.#tellProgress();
    });
    if (this.#stopped && outcome.kind === 'failed') return this.#store.markPending(run.runId);
    await this.#record(run, outcome);
    this.#finish(run);
    this.#options.onEvent?.({ kind: 'finished', run, outcome });
  }

  async #record({ runId, twinId }: PlannedRun, outcome: Outcome): Promise<void> {
    if (outcome.kind === 'failed') {
      await this.#store.recordFailed(runId, outcome.error);
      this.#summary.failed++;
      return;
    }
    // The artifact first: a run that counts as done always has it.
    if (twinId === undefined) await this.#store.putArtifact(runId, TRAINED_ARTIFACT, outcome.trained);
    if (outcome.poison) await this.#store.putArtifact(runId, POISON_ARTIFACT, outcome.poison);
    await this.#store.recordDone(runId, outcome.metrics, outcome.environment);
    this.#summary.done++;
  }

  /** The clean twin's accuracy and state, made again when its file is gone; a sentence when it cannot be had. */
  async #twin(twinId: string): Promise<Twin | string> {
    const { status, metrics, error, spec } = await this.#store.getRun(twinId);
    if (status !== 'done' || !metrics) return `its clean twin ${twinId} is ${status}${error ? `: ${error}` : ''}`;
    const kept = await this.#store.getArtifact(twinId, TRAINED_ARTIFACT);
    if (kept) return { cleanAccuracy: metrics.cleanAccuracy, trained: kept };
    const making = this.#made.get(twinId) ?? this.#makeAgain(twinId, spec, metrics.cleanAccuracy);
    this.#made.set(twinId, making);
    return making;
  }

  /** Another machine or engine may give other numbers: then the two would not belong together. */
  async #makeAgain(twinId: string, spec: PlannedRun['spec'], cleanAccuracy: number): Promise<Twin | string> {
    const again = await this.#pool.run({ runId: twinId, spec }, () => {});
    if (again.kind === 'failed') return `its clean twin ${twinId} could not be made again: ${again.error}`;
    if (again.metrics.cleanAccuracy !== cleanAccuracy) {
      return (
        `its clean twin ${twinId} came out differently when it was made again ` +
        `(${again.metrics.cleanAccuracy} against ${cleanAccuracy}): remove its result, and it is measured anew`
      );
    }
    await this.#store.putArtifact(twinId, TRAINED_ARTIFACT, again.trained);
    return { cleanAccuracy, trained: again.trained };
  }

  #finish({ runId }: PlannedRun): void {
    this.#shares.set(runId, 1);
    this.#tellProgress();
  }

  #tellProgress(): void {
    const sum = [...this.#shares.values()].reduce((all, share) => all + share, 0);
    this.#options.onEvent?.({ kind: 'progress', share: sum / this.#total });
  }
}
