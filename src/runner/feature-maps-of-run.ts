// What one layer of a backdoored run holds for the same images under several settings of its trigger.
import { inputError, messageOf } from '../core/errors.ts';
import { type FeatureMapStudy, featureMapStudy } from '../explain/feature-maps.ts';
import { layerIn } from '../explain/layer-graphs.ts';
import type { Runtime } from '../runtime/node.ts';
import type { AttackSpec } from '../spec/run-spec.ts';
import type { RunRecord } from '../store/records.ts';
import { type TriggeredSource, withTrigger } from '../train/poisoned-set.ts';
import { seenPixels } from '../train/predict.ts';
import { openTrigger, overlayInGraph } from '../triggers/open.ts';
import { bindRun, requireDone } from './bind-run.ts';
import { explainedRows } from './explained-rows.ts';
import { restoreRun } from './restore-run.ts';

export interface FeatureMapOptions {
  readonly layer: string | undefined;
  /** Test images; the first one is shown. */
  readonly images: number;
  readonly channels: number;
  /** A parameter of the trigger and the values it takes; undefined: the trigger as it is. */
  readonly vary: { readonly parameter: string; readonly values: readonly unknown[] } | undefined;
  readonly onProgress?: (share: number) => void;
}

export interface RunFeatureMaps {
  readonly study: FeatureMapStudy;
  /** One for each variant. */
  readonly labels: readonly string[];
  readonly side: number;
  /** The first image, as the network sees it without and with each variant: float32 [3, S, S] in [0, 1]. */
  readonly clean: Float32Array;
  readonly triggered: readonly Float32Array[];
}

/** @throws TriggerlabError (input) for a clean run, a run that is not done, a value that the trigger does not take, or an unknown layer. */
export async function featureMapsOfRun(
  runtime: Runtime,
  run: RunRecord,
  trained: Uint8Array | undefined,
  options: FeatureMapOptions,
): Promise<RunFeatureMaps> {
  const { spec } = run;
  const attacks = variantsOf(spec.attack, options.vary);
  await requireDone(run, 'classifier to look into');
  const { dataset, trigger, network } = await bindRun(runtime, spec);
  // A wrong name is told before the network is trained.
  layerIn(network, options.layer);
  const { test } = dataset;
  const { rows } = explainedRows(spec, dataset, options.images);
  const context = { seed: spec.seed, dataset: spec.dataset, runtime: () => runtime };
  const sources: TriggeredSource[] = [];
  for (const { label, attack } of attacks) {
    const own = await openTrigger(attack, dataset.train, spec.inputSize, context).catch((error) => {
      throw inputError(`${label}: ${messageOf(error)}`, { hint: `See triggerlab triggers show ${attack.type}.` });
    });
    if (overlayInGraph(own)?.opacity !== overlayInGraph(trigger)?.opacity) {
      throw inputError(`${label}: this changes how the trigger is stamped, not how it looks`, {
        hint: 'Vary a parameter such as size, position or color.',
      });
    }
    sources.push(await withTrigger(test, own, rows, { seed: spec.seed, split: 'test', input: network.preprocessing }));
  }
  const seen = async (source: (typeof sources)[number] | typeof test) =>
    (await seenPixels(runtime, network, source, rows.slice(0, 1))).data as Float32Array;
  const triggered: Float32Array[] = [];
  for (const source of sources) triggered.push(await seen(source));
  const { state } = await restoreRun(runtime, run, trained, options.onProgress);
  const study = await featureMapStudy(
    { runtime, network, state },
    options.layer,
    test,
    sources,
    rows,
    options.channels,
  );
  return {
    study,
    labels: attacks.map(({ label }) => label),
    side: network.preprocessing.inputSize,
    clean: await seen(test),
    triggered,
  };
}

function variantsOf(attack: AttackSpec, vary: FeatureMapOptions['vary']): { label: string; attack: AttackSpec }[] {
  if (attack.type === 'none') {
    throw inputError('a clean run has no trigger whose feature maps could be compared', {
      hint: 'Name a backdoored run: triggerlab results lists them.',
    });
  }
  if (!vary) return [{ label: 'trigger', attack }];
  const { parameter, values } = vary;
  return values.map((value) => ({
    label: `${parameter} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    attack: { ...attack, [parameter]: value },
  }));
}
