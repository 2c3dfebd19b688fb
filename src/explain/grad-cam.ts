// Grad-CAM (Selvaraju et al. 2017) and Grad-CAM++ (Chattopadhyay et al. 2018) as one graph: images in, heat maps out.
import { gradients } from '../graph/autodiff.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { add } from '../graph/ops/add.ts';
import { div } from '../graph/ops/div.ts';
import { max } from '../graph/ops/max.ts';
import { mul } from '../graph/ops/mul.ts';
import { neg } from '../graph/ops/neg.ts';
import { oneHot } from '../graph/ops/one-hot.ts';
import { reduceMax } from '../graph/ops/reduce-max.ts';
import { reduceMean } from '../graph/ops/reduce-mean.ts';
import { reduceSum } from '../graph/ops/reduce-sum.ts';
import { relu } from '../graph/ops/relu.ts';
import { resample } from '../graph/ops/resize.ts';
import { squeeze } from '../graph/ops/squeeze.ts';
import { sub } from '../graph/ops/sub.ts';
import { emitForward, type Network } from '../train/network.ts';
import { chooseLayer, type MapLayer, mapLayers } from './map-layers.ts';

export type CamMethod = 'grad-cam' | 'grad-cam++';

export interface CamGraph {
  /**
   * Inputs: those of an evaluation graph and `labels` (int64 [N]), the class that each image is explained for. Outputs: `map`
   * (float32 [N, S, S] in [0, 1] at the network's input size) and `logits` [N, classes].
   */
  readonly graph: Graph;
  readonly layer: MapLayer;
}

/** Below this a map has no peak: it is zero everywhere. */
const TINY = 1e-20;
/** Keeps Grad-CAM++'s weights finite where a gradient is 0. */
const PLUS_EPSILON = 1e-6;

/**
 * The graph of the explanation. Maps are ReLU(Σ w A), less their minimum, over their maximum, then resized bilinearly (half-pixel
 * centres, without antialiasing); a map that is zero everywhere stays so.
 * @param layer as `chooseLayer` takes it
 * @throws TriggerlabError (input) for an unknown layer, or one through whose rest no gradient leads.
 */
export function camGraph(network: Network, layer?: string, method: CamMethod = 'grad-cam'): CamGraph {
  const graph = new Graph(`${method} ${network.model.name}`);
  const forward = emitForward(graph, network, 'evaluate');
  const chosen = chooseLayer(mapLayers(forward, network.model.architecture.head), layer);
  const labels = graph.input('labels', 'int64', ['N']);
  const { inputSize } = network.preprocessing;
  const map = graph.scoped('cam', () => {
    const answer = reduceSum(mul(forward.logits, oneHot(labels, network.classes)), [0, 1], false);
    const [slope] = gradients(answer, [chosen.value]);
    if (!slope) throw new Error(`camGraph: the logits do not depend on "${chosen.name}"`);
    const weights = method === 'grad-cam' ? reduceMean(slope, [2, 3], true) : plusWeights(chosen.value, slope);
    const raw = relu(reduceSum(mul(chosen.value, weights), [1], true));
    return squeeze(resample(peakOne(raw), inputSize, inputSize), [1]);
  });
  graph.output('map', map);
  graph.output('logits', forward.logits);
  return { graph, layer: chosen };
}

/** Σ α·ReLU(g) over space with α = g² / (2g² + Σ A·g³), the closed form for a score behind an exponential. */
function plusWeights(maps: Value, slope: Value): Value {
  const { graph } = maps;
  const square = mul(slope, slope);
  const sums = mul(reduceSum(maps, [2, 3], true), mul(square, slope));
  const share = div(square, add(add(square, square), add(sums, graph.scalar(PLUS_EPSILON))));
  return reduceSum(mul(share, relu(slope)), [2, 3], true);
}

/** Each map [N, 1, h, w] less its minimum, over its maximum. */
function peakOne(maps: Value): Value {
  const low = neg(reduceMax(neg(maps), [1, 2, 3], true));
  const above = sub(maps, low);
  return div(above, max(reduceMax(above, [1, 2, 3], true), maps.graph.scalar(TINY)));
}
