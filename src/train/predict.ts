// Evaluation: predicted classes of a source of images, in batches.
import { failedError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import { Graph } from '../graph/graph.ts';
import type { Runtime } from '../runtime/node.ts';
import { imageFeeds } from './feeds.ts';
import { emitForward, type Network } from './network.ts';
import { packTensors } from './packing.ts';

/** What training changed: trained parameters and running statistics, by torchvision's names. */
export type TrainedState = Readonly<Record<string, Tensor>>;

const BATCH = 256;

/**
 * Predicted class of each of `rows` (default: all) of a source: that of the largest logit, the first where several tie.
 * @throws TriggerlabError (failed) when a logit is not finite: such a network would seem to answer with its first class.
 */
export async function predict(
  runtime: Runtime,
  network: Network,
  trained: TrainedState,
  source: ImageSource,
  rows: ArrayLike<number> = Int32Array.from({ length: source.count }, (_, i) => i),
): Promise<Uint16Array> {
  const graph = new Graph(`predict ${network.model.name}`);
  graph.output('logits', emitForward(graph, network, 'evaluate').logits);
  const session = await runtime.open(graph);
  const state = stateFeeds(network, trained);
  const predicted = new Uint16Array(rows.length);
  for (let at = 0; at < rows.length; at += BATCH) {
    const batch = Array.prototype.slice.call(rows, at, at + BATCH) as number[];
    const { logits } = await session.run({
      ...state,
      ...imageFeeds(source, batch, network.preprocessing.patch !== undefined),
    });
    const { classes } = network;
    for (let i = 0; i < batch.length; i++) {
      predicted[at + i] = largest((logits.data as Float32Array).subarray(i * classes, (i + 1) * classes));
    }
  }
  return predicted;
}

function largest(logits: Float32Array): number {
  if (!logits.every(Number.isFinite)) {
    throw failedError('the trained network answers with numbers that are not finite', {
      hint: 'Its training diverged: lower training.learningRate.',
    });
  }
  return logits.indexOf(Math.max(...logits));
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
  return (await session.run({ ...state, ...imageFeeds(source, rows, network.preprocessing.patch !== undefined) }))
    .pixels;
}

/** The graph inputs `parameters/…` and `buffers/…` of an evaluation graph. */
export function stateFeeds(network: Network, trained: TrainedState): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const pack of network.packs) feeds[`parameters/${pack.name}`] = packTensors(pack, trained);
  for (const name of network.buffers) feeds[`buffers/${name}`] = trained[name];
  return feeds;
}
