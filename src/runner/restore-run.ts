// The trained weights of a finished run: as the store keeps them, or made again from its spec.
import { decodeSafetensors } from '../models/weights/safetensors.ts';
import type { Runtime } from '../runtime/node.ts';
import type { RunRecord } from '../store/records.ts';
import type { TrainedState } from '../train/predict.ts';
import { executeRun } from './execute-run.ts';

export interface RestoredRun {
  readonly state: TrainedState;
  /** Clean accuracy of the run done again; undefined when its weights were kept. */
  readonly accuracyAgain: number | undefined;
}

/** @param trained what the store keeps as the run's `trained` artifact @throws TriggerlabError as `executeRun` does. */
export async function restoreRun(
  runtime: Runtime,
  { runId, spec }: RunRecord,
  trained: Uint8Array | undefined,
  onProgress?: (share: number) => void,
): Promise<RestoredRun> {
  // A twin only adds to the metrics, so none is needed to train again.
  const again = trained ? undefined : await executeRun(runtime, spec, undefined, onProgress && { onProgress });
  const bytes = trained ?? again?.trained ?? new Uint8Array();
  return { state: decodeSafetensors(bytes, `run ${runId}`).tensors, accuracyAgain: again?.metrics.cleanAccuracy };
}
