// What runs are compared with or made from: results and states of clean twins and of bases, made again where the state was lost.
import type { ClaimedRun } from '../queue/run-queue.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import type { RunMetrics } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { Outcome } from './pool.ts';
import type { Job } from './protocol.ts';

/** Kind of artifact under which a run's trained state is kept. */
export const TRAINED_ARTIFACT = 'trained';

/** A run that is done, with its trained state. */
export interface FinishedRun {
  readonly metrics: RunMetrics;
  readonly trained: Uint8Array;
}

/** Why a run that is needed cannot be had. */
export interface Missing {
  readonly reason: string;
  /** Whether the process that made it again ended: another try may go well. */
  readonly crashed: boolean;
}

export class TwinMaker {
  readonly #store: Store;
  readonly #run: (runId: string, spec: RunSpec) => Promise<Outcome>;
  /** Runs whose trained state was lost, made again once for all who wait for them; those that cannot be had. */
  readonly #made = new Map<string, Promise<FinishedRun | Missing>>();

  /** `run` does a run without recording it. */
  constructor(store: Store, run: (runId: string, spec: RunSpec) => Promise<Outcome>) {
    this.#store = store;
    this.#run = run;
  }

  /** What a run needs of others: its clean twin's figures, or all of its base; or why it cannot be had. */
  async before({ twinId, baseId }: ClaimedRun): Promise<Pick<Job, 'twin' | 'base'> | Missing> {
    if (baseId !== undefined) {
      const base = await this.get(baseId, 'base');
      return 'reason' in base ? base : { base };
    }
    if (twinId === undefined) return {};
    const twin = await this.get(twinId, 'clean twin');
    if ('reason' in twin) return twin;
    return { twin: { cleanAccuracy: twin.metrics.cleanAccuracy, trained: twin.trained } };
  }

  /** Result and state of a run, or why they cannot be had, where `name` says what the run is to who asks. */
  async get(runId: string, name: 'clean twin' | 'base'): Promise<FinishedRun | Missing> {
    const { status, metrics, error, spec } = await this.#store.getRun(runId);
    if (status !== 'done' || !metrics) return missing(`its ${name} ${runId} is ${status}${error ? `: ${error}` : ''}`);
    const kept = await this.#store.getArtifact(runId, TRAINED_ARTIFACT);
    if (kept) return { metrics, trained: kept };
    const making = this.#made.get(runId) ?? this.#makeAgain(runId, spec, metrics, name);
    this.#made.set(runId, making);
    const made = await making;
    // What lasts is a refusal; a state is in the store now, and a crash may not happen again.
    const lasts = 'reason' in made && !made.crashed;
    if (!lasts && this.#made.get(runId) === making) this.#made.delete(runId);
    return made;
  }

  /** Another machine or engine may give other numbers: then the two would not belong together. */
  async #makeAgain(runId: string, spec: RunSpec, metrics: RunMetrics, name: string): Promise<FinishedRun | Missing> {
    const again = await this.#run(runId, spec);
    if (again.kind === 'stopped') return missing(`its ${name} ${runId} was not made again: the work was stopped`);
    if (again.kind === 'failed') {
      return missing(`its ${name} ${runId} could not be made again: ${again.error}`, again.crashed);
    }
    if (again.metrics.cleanAccuracy !== metrics.cleanAccuracy || again.metrics.asr !== metrics.asr) {
      const figures = ({ cleanAccuracy, asr }: RunMetrics) =>
        [cleanAccuracy, ...(asr === null ? [] : [asr])].join(', ');
      return missing(
        `its ${name} ${runId} came out differently when it was made again ` +
          `(${figures(again.metrics)} against ${figures(metrics)}): remove its result, and it is measured anew`,
      );
    }
    await this.#store.putArtifact(runId, TRAINED_ARTIFACT, again.trained);
    return { metrics, trained: again.trained };
  }
}

function missing(reason: string, crashed = false): Missing {
  return { reason, crashed };
}
