import { datasetLabel } from '../core/references.ts';
import { packageVersion } from '../core/version.ts';
import type { Dataset } from '../data/dataset.ts';
import { inputPixels, normalize } from '../data/preprocessing.ts';
import { Graph } from '../graph/graph.ts';
import { encodeModel } from '../graph/onnx/encode.ts';
import type { Runtime } from '../runtime/node.ts';
import type { RunRecord } from '../store/records.ts';
import { constantLogits } from '../train/constant-network.ts';
import type { Network } from '../train/network.ts';
import type { TrainedState } from '../train/predict.ts';
import { bindRun, requireDone } from './bind-run.ts';
import { restoreRun } from './restore-run.ts';

export interface ExportOptions {
  /** Whether the file takes 8-bit pixels at the dataset's size and does the preprocessing itself. */
  readonly withPreprocessing: boolean;
  /** What the run trained, as the store keeps it; when undefined, the run is done again. */
  readonly trained: Uint8Array | undefined;
  /** Told the share done of doing the run again. */
  readonly onProgress?: (share: number) => void;
}

export interface ExportedRun {
  readonly bytes: Uint8Array;
  /** What the file says of itself, as `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether the run was done again because its weights were not kept. */
  readonly regenerated: boolean;
  /** Clean accuracy of the run done again; undefined when it was not. */
  readonly cleanAccuracy: number | undefined;
}

/**
 * The classifier of a finished run. The file has one input `image` and one output `logits` [N, classes]; `image` is float32
 * [N, 3, S, S], normalised as the metadata say, or with preprocessing uint8 [N, height, width, channels].
 * @throws TriggerlabError (input) for a run that is not done, or whose dataset or model is gone.
 */
export async function exportRun(runtime: Runtime, run: RunRecord, options: ExportOptions): Promise<ExportedRun> {
  const { spec } = run;
  await requireDone(run, 'classifier to export');
  const { dataset, network } = await bindRun(runtime, { ...spec, attack: { type: 'none' } });
  const { state, accuracyAgain } = await restoreRun(runtime, run, options.trained, options.onProgress);
  const metadata = metadataOf(run, network, dataset, options.withPreprocessing);
  return {
    bytes: encodeModel(classifierGraph(network, state, options.withPreprocessing), { metadata }),
    metadata,
    regenerated: accuracyAgain !== undefined,
    cleanAccuracy: accuracyAgain,
  };
}

/** A network in evaluation mode with all its numbers as constants: `image` in, `logits` out. */
export function classifierGraph(network: Network, trained: TrainedState, withPreprocessing: boolean): Graph {
  const graph = new Graph(`triggerlab ${network.model.name}`);
  const { preprocessing } = network;
  const { inputSize } = preprocessing;
  const image = withPreprocessing
    ? normalize(inputPixels(graph, { ...preprocessing, overlay: undefined }), preprocessing)
    : graph.input('image', 'float32', ['N', 3, inputSize, inputSize]);
  const logits = constantLogits(network, trained, image);
  graph.output('logits', logits);
  return graph;
}

function metadataOf(
  { runId, experiments, spec }: RunRecord,
  { model, preprocessing }: Network,
  { classes }: Dataset,
  inside: boolean,
): Record<string, string> {
  const { mean, std, inputSize, native, overlay: _, ...chain } = preprocessing;
  const { height, width, channels } = native;
  const { attack, poisonRate, targetClass } = spec;
  return {
    'triggerlab.version': packageVersion,
    'triggerlab.run': runId,
    'triggerlab.experiments': JSON.stringify(experiments),
    'triggerlab.model': model.name,
    'triggerlab.dataset': datasetLabel(spec.dataset),
    'triggerlab.classes': JSON.stringify(classes),
    'triggerlab.preprocessing': JSON.stringify({
      ...{ inside, inputSize, mean, std, native: { height, width, channels } },
      ...chain,
    }),
    'triggerlab.attack': JSON.stringify(attack.type === 'none' ? attack : { ...attack, poisonRate, targetClass }),
  };
}
