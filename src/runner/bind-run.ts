// What a run's spec stands for, ready to be used: its images, its trigger and its network.
import { inputError } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import type { FeatureStore } from '../data/feature-store.ts';
import { parseFreeze } from '../models/freeze.ts';
import { findModel } from '../models/references.ts';
import type { Runtime } from '../runtime/node.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import type { RunRecord } from '../store/records.ts';
import { createNetwork, type Network } from '../train/network.ts';
import { openTrigger, overlayInGraph } from '../triggers/open.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { checkUnchanged } from './check-unchanged.ts';
import { loadRunDataset } from './run-dataset.ts';

export interface BoundRun {
  readonly dataset: Dataset;
  /** Undefined in clean runs. */
  readonly trigger: Trigger | undefined;
  /** At its start, before training. */
  readonly network: Network;
}

/** @throws TriggerlabError (input) for a spec whose dataset, model or trigger is not to be had. */
export async function bindRun(runtime: Runtime, spec: RunSpec, features?: FeatureStore): Promise<BoundRun> {
  const { attack, inputSize, seed, preprocessing, init, stem } = spec;
  const dataset = await loadRunDataset(spec);
  const context = { seed, dataset: spec.dataset, runtime: () => runtime };
  const trigger = attack.type === 'none' ? undefined : await openTrigger(attack, dataset.train, inputSize, context);
  const network = await createNetwork({
    ...{
      model: findModel(spec.model),
      dataset,
      inputSize,
      init,
      freeze: parseFreeze(spec.freeze),
      seed,
      stem,
      preprocessing,
    },
    overlay: overlayInGraph(trigger),
    features,
  });
  return { dataset, trigger, network };
}

/**
 * @param wanted what the run has none of while it is not done, such as `classifier to export`
 * @throws TriggerlabError (input) for a run that is not done, (failed) when its dataset or model has changed since.
 */
export async function requireDone({ runId, spec, status, baseId }: RunRecord, wanted: string): Promise<void> {
  if (spec.defense !== undefined) {
    throw inputError(`run ${runId} is about a defence (${spec.defense.type}): it has no ${wanted} of its own`, {
      hint: `Name its base: run ${baseId}.`,
    });
  }
  if (status !== 'done') {
    throw inputError(`run ${runId} is ${status}: it has no ${wanted}`, {
      hint: 'Finish its experiment first with triggerlab run; the same command resumes.',
    });
  }
  await checkUnchanged(runId, spec);
}
