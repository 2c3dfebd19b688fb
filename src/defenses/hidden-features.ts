// What the last layer of a network is given: the hidden activations in which defences look for two kinds of images.
import { inputError } from '../core/errors.ts';
import { everyRow, type ImageSource } from '../data/dataset.ts';
import { copyInto } from '../graph/copy.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { reduceMean } from '../graph/ops/reduce-mean.ts';
import { reshape } from '../graph/ops/reshape.ts';
import { evaluationBatch, imageFeeds } from '../train/feeds.ts';
import { emitForward, type Forward, type Network } from '../train/network.ts';
import { stateFeeds } from '../train/predict.ts';
import type { DefenseSubject, DefenseWatch } from './defense.ts';
import { type LabelledRows, labelledRows } from './labelled-rows.ts';

export interface HiddenFeatures {
  /** Numbers of each image. */
  readonly width: number;
  /** Float32 [rows, width]. */
  readonly data: Float32Array;
}

/**
 * The input of the layer `head` of a network. Of a convolutional head it is the mean over space of its maps.
 * @throws TriggerlabError (input) for a network without such a layer.
 */
export function hiddenValue({ logits, image, packs }: Forward, { model }: Network): Value {
  const { head } = model.architecture;
  const { graph } = logits;
  const own = (name: string) => name.startsWith(`${head}.`);
  const parameters = [
    ...graph.constants.filter(({ name }) => own(name)),
    ...packs.flatMap(({ pack, members }) => members.filter((_, i) => own(pack.members[i].name))),
  ];
  // Parameters may be turned or reshaped on their way; the first node where they meet the image is the layer.
  const [fromHead, fromImage] = [new Set(parameters), new Set<Value>([image])];
  for (const { inputs, outputs } of graph.nodes) {
    const met = inputs.find((input) => input && fromImage.has(input));
    const weighed = inputs.some((input) => input && fromHead.has(input));
    if (met && weighed) return met;
    for (const output of outputs) {
      if (met) fromImage.add(output);
      else if (weighed) fromHead.add(output);
    }
  }
  throw inputError(`${model.name} has no last layer "${head}" that could be looked at`, {
    hint: 'The last layer of a classifier is a dense one or a convolution with weights of its own.',
  });
}

/** The hidden features of rows of a source. `onBatch` is told how many rows are through. */
export async function hiddenFeatures(
  { runtime, network, trained }: Pick<DefenseSubject, 'runtime' | 'network' | 'trained'>,
  source: ImageSource,
  rows: ArrayLike<number>,
  onBatch?: (done: number) => void,
): Promise<HiddenFeatures> {
  const forward = emitForward(new Graph('forward'), network, 'evaluate');
  const hidden = hiddenValue(forward, network);
  const width = Number(hidden.shape[1]);
  const graph = new Graph(`hidden ${network.model.name}`);
  const [value] = copyInto(graph, [hidden], new Map());
  graph.output('hidden', hidden.rank === 4 ? reduceMean(value, [2, 3], false) : reshape(value, [-1, width]));
  const session = await runtime.open(graph);
  const wanted = new Set(graph.inputs.map(({ name }) => name));
  const state = Object.fromEntries(Object.entries(stateFeeds(network, trained)).filter(([name]) => wanted.has(name)));
  const data = new Float32Array(rows.length * width);
  const batch = evaluationBatch(network.preprocessing.inputSize);
  for (let at = 0; at < rows.length; at += batch) {
    const some = Array.prototype.slice.call(rows, at, at + batch) as number[];
    const out = await session.run({ ...state, ...imageFeeds(source, some, network.preprocessing) });
    data.set(out.hidden.data as Float32Array, at * width);
    onBatch?.(at + some.length);
  }
  return { width, data };
}

/** A defender's training rows by their labels, with the hidden features of all. `share` of the work is told as progress. */
export async function labelledFeatures(
  subject: DefenseSubject,
  share: number,
  { onProgress, checkStop }: DefenseWatch,
): Promise<LabelledRows & { readonly rows: Int32Array; readonly features: HiddenFeatures }> {
  const labelled = await labelledRows(subject);
  const rows = everyRow(labelled.source);
  const features = await hiddenFeatures(subject, labelled.source, rows, (done) => {
    checkStop?.();
    onProgress?.((share * done) / rows.length, 'hidden activations');
  });
  return { ...labelled, rows, features };
}

/** Some rows of features, centred: float64, row by row, and the mean that was taken off. */
export function centred(
  { width, data }: HiddenFeatures,
  rows: readonly number[],
): { points: Float64Array; mean: Float64Array } {
  const mean = new Float64Array(width);
  for (const row of rows) for (let j = 0; j < width; j++) mean[j] += data[row * width + j] / rows.length;
  const points = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    for (let j = 0; j < width; j++) points[i * width + j] = data[row * width + j] - mean[j];
  });
  return { points, mean };
}
