// Evaluation: logits and predicted classes of a source of images, in batches.
import { failedError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { everyRow, type ImageSource } from '../data/dataset.ts';
import { Graph } from '../graph/graph.ts';
import type { Runtime } from '../runtime/node.ts';
import { cachedFeatures } from './features.ts';
import { evaluationBatch, imageFeeds } from './feeds.ts';
import { emitForward, type Network } from './network.ts';
import { packTensors } from './packing.ts';

/** What training changed: trained parameters and running statistics, by torchvision's names. */
export type TrainedState = Readonly<Record<string, Tensor>>;

/**
 * Predicted class of each of `rows` (default: all) of a source: that of the largest logit, the first where several tie.
 * @throws TriggerlabError (failed) when a logit is not finite: such a network would seem to answer with its first class.
 */
export async function predict(
  runtime: Runtime,
  network: Network,
  trained: TrainedState,
  source: ImageSource,
  rows: ArrayLike<number> = everyRow(source),
): Promise<Uint16Array> {
  const predicted = new Uint16Array(rows.length);
  await eachLogits(runtime, network, trained, source, rows, (logits, i) => {
    predicted[i] = logits.indexOf(Math.max(...logits));
  });
  return predicted;
}

/**
 * Shows the logits of one row after another to `visit`, with the row's place in `rows`.
 * @throws TriggerlabError (failed) when one is not finite.
 */
export async function eachLogits(
  runtime: Runtime,
  network: Network,
  trained: TrainedState,
  source: ImageSource,
  rows: ArrayLike<number>,
  visit: (logits: Float32Array, i: number) => void,
): Promise<void> {
  const features = await cachedFeatures(runtime, network, 'evaluate', source, rows);
  const graph = new Graph(`predict ${network.model.name}`);
  graph.output('logits', (features?.part.rest(graph) ?? emitForward(graph, network, 'evaluate')).logits);
  const session = await runtime.open(graph);
  const state = stateFeeds(network, trained);
  const batch = evaluationBatch(features ? 0 : network.preprocessing.inputSize);
  for (let at = 0; at < rows.length; at += batch) {
    const some = Array.prototype.slice.call(rows, at, at + batch) as number[];
    const input = features ? { features: await features.read(some) } : imageFeeds(source, some, network.preprocessing);
    const { data } = (await session.run({ ...state, ...input })).logits;
    for (let i = 0; i < some.length; i++) {
      const logits = (data as Float32Array).subarray(i * network.classes, (i + 1) * network.classes);
      if (!logits.every(Number.isFinite)) {
        throw failedError('the trained network answers with numbers that are not finite', {
          hint: 'Its training diverged: lower training.learningRate.',
        });
      }
      visit(logits, at + i);
    }
  }
}

/** Pixels in [0, 1] as the network sees them before normalisation, float32 [rows, 3, S, S]. */
export async function seenPixels(
  runtime: Runtime,
  network: Network,
  source: ImageSource,
  rows: ArrayLike<number>,
): Promise<Tensor> {
  const graph = new Graph('seen pixels');
  graph.output('pixels', emitForward(graph, network, 'evaluate').pixels);
  const session = await runtime.open(graph);
  const state = stateFeeds(network, network.start);
  return (await session.run({ ...state, ...imageFeeds(source, rows, network.preprocessing) })).pixels;
}

/** The graph inputs `parameters/…` and `buffers/…` of an evaluation graph, and those of the network's amendment. */
export function stateFeeds(network: Network, trained: TrainedState): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const pack of network.packs) feeds[`parameters/${pack.name}`] = packTensors(pack, trained);
  for (const name of network.buffers) feeds[`buffers/${name}`] = trained[name];
  return { ...feeds, ...network.amendment?.feeds };
}
