// Whether a run's dataset, model and weights are still those that it was planned with.
import { failedError } from '../core/errors.ts';
import { findDataset } from '../data/references.ts';
import { findModel } from '../models/references.ts';
import { runId } from '../spec/identity.ts';
import type { RunSpec } from '../spec/run-spec.ts';

/**
 * @throws TriggerlabError (failed) when the spec comes to another id than it was given: other weights of the model were
 * imported since, a file has changed, or another version of triggerlab planned it.
 */
export async function checkUnchanged(id: string, spec: RunSpec): Promise<void> {
  if ((await runIdNow(spec)) === id) return;
  throw failedError(`${spec.model} or ${spec.dataset} is no longer what run ${id} was planned with`, {
    hint: 'Plan it again with what is there now: triggerlab run SPEC. A version of weights can be named as MODEL@VERSION.',
  });
}

/** The id of a spec with its dataset, model and weights as they are here and now. */
export async function runIdNow(spec: RunSpec): Promise<string> {
  const { fingerprint } = await findDataset(spec.dataset);
  const { weightsHash } = findModel(spec.model);
  return runId(spec, { datasetFingerprint: fingerprint, weightsHash });
}
