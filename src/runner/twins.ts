// What poisoned runs are compared with: the accuracy and state of their clean twins, made again where the state was lost.
import type { RunSpec } from '../spec/run-spec.ts';
import type { Store } from '../store/store.ts';
import type { Twin } from './execute-run.ts';
import type { Outcome } from './pool.ts';

/** Kind of artifact under which a clean run's trained state is kept for the runs that are compared with it. */
export const TRAINED_ARTIFACT = 'trained';

export class TwinMaker {
  readonly #store: Store;
  readonly #run: (runId: string, spec: RunSpec) => Promise<Outcome>;
  /** Twins whose trained state was lost, made again once for all who need them. */
  readonly #made = new Map<string, Promise<Twin | string>>();

  /** `run` does a run without recording it. */
  constructor(store: Store, run: (runId: string, spec: RunSpec) => Promise<Outcome>) {
    this.#store = store;
    this.#run = run;
  }

  /** The clean twin's accuracy and state; a sentence when it cannot be had. */
  async get(twinId: string): Promise<Twin | string> {
    const { status, metrics, error, spec } = await this.#store.getRun(twinId);
    if (status !== 'done' || !metrics) return `its clean twin ${twinId} is ${status}${error ? `: ${error}` : ''}`;
    const kept = await this.#store.getArtifact(twinId, TRAINED_ARTIFACT);
    if (kept) return { cleanAccuracy: metrics.cleanAccuracy, trained: kept };
    const making = this.#made.get(twinId) ?? this.#makeAgain(twinId, spec, metrics.cleanAccuracy);
    this.#made.set(twinId, making);
    return making;
  }

  /** Another machine or engine may give other numbers: then the two would not belong together. */
  async #makeAgain(twinId: string, spec: RunSpec, cleanAccuracy: number): Promise<Twin | string> {
    const again = await this.#run(twinId, spec);
    if (again.kind === 'stopped') return `its clean twin ${twinId} was not made again: the work was stopped`;
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
}
