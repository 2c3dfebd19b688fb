// The part of a network that training leaves alone: what it makes of an image can be computed once and kept.
import { copyInto } from '../graph/copy.ts';
import { graphFingerprint } from '../graph/fingerprint.ts';
import { Graph, type Shape, type Value } from '../graph/graph.ts';
import { nodesBehind } from '../graph/live-nodes.ts';
import { concat } from '../graph/ops/concat.ts';
import { reshape } from '../graph/ops/reshape.ts';
import { split } from '../graph/ops/split.ts';
import { productOf } from '../graph/shapes.ts';
import { nodeMultiplyAdds } from './multiply-adds.ts';
import { emitForward, type Forward, type Network } from './network.ts';

export interface FrozenPart {
  /** From the inputs of preprocessing to the output `features`, float32 [N, width]. */
  readonly graph: Graph;
  /** Of one image. */
  readonly multiplyAdds: number;
  /** Numbers kept of each image. */
  readonly width: number;
  /** Names what the graph computes, its weights included. */
  readonly fingerprint: string;
  /** Where the cut is, for people: names of the values, with their shapes. */
  readonly boundary: string;
  /** Emits the rest of the network, which takes the graph input `features` in place of images. */
  rest(graph: Graph): Rest;
}

/** The forward pass without its pixels. */
export type Rest = Omit<Forward, 'pixels' | 'image'>;

/**
 * Features worth keeping save this many multiply-adds for every byte: fewer are computed about as fast as they are read from a
 * disk (0.5 GB/s beside 50 GMAC/s).
 */
const MULTIPLY_ADDS_PER_BYTE = 100;

/**
 * The frozen part of a forward pass, or undefined where there is none worth keeping. A value belongs to it when it depends on no
 * trained parameter, running statistic or dropout mask, and on one image only: batch statistics mix the images.
 */
export function frozenPart(network: Network, mode: 'train' | 'evaluate'): FrozenPart | undefined {
  return frozenPartOf(emitForward(new Graph('forward'), network, mode), network.model.name);
}

/** The same of a forward pass that stands in a graph already; `model` names it. */
export function frozenPartOf(forward: Forward, model: string): FrozenPart | undefined {
  const ends = [
    forward.logits,
    ...(forward.auxiliary ?? []).map(({ logits }) => logits),
    ...forward.nextBuffers.values(),
  ];
  const boundary = boundaryOf(forward.logits.graph, ends);
  if (boundary.length === 0) return undefined;
  const widths = boundary.map(({ shape }) => productOf(shape.slice(1)).size);
  const width = widths.reduce((sum, own) => sum + own, 0);
  const work = nodesBehind(forward.logits.graph, boundary).reduce((sum, node) => sum + nodeMultiplyAdds(node, 1), 0);
  if (work < MULTIPLY_ADDS_PER_BYTE * 4 * width) return undefined;
  let emitted: Graph | undefined;
  return {
    get graph() {
      emitted ??= frozenGraph(`features ${model}`, boundary, widths);
      return emitted;
    },
    multiplyAdds: work,
    width,
    get fingerprint() {
      return graphFingerprint(this.graph);
    },
    boundary: boundary.map(({ name, shape }) => `${name} [${shape.slice(1)}]`).join(', '),
    rest: (target) => restOf(forward, target, boundary, widths),
  };
}

function frozenGraph(name: string, boundary: readonly Value[], widths: readonly number[]): Graph {
  const graph = new Graph(name);
  const rows = copyInto(graph, boundary, new Map()).map((value, i) => reshape(value, [-1, widths[i]]));
  graph.output('features', rows.length === 1 ? rows[0] : concat(rows, 1));
  return graph;
}

/** Frozen values that others use; none where one of them has no fixed number of elements per image. */
function boundaryOf(graph: Graph, ends: readonly Value[]): Value[] {
  const own = new Set<Value>(graph.inputs.filter(({ name }) => name === 'image' || name === 'overlay'));
  const moving = new Set<Value>(graph.inputs.filter((value) => !own.has(value)));
  const boundary = new Set<Value>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.filter((input) => input !== undefined);
    const frozen = inputs.some((input) => own.has(input)) && !inputs.some((input) => moving.has(input));
    const constant = !inputs.some((input) => own.has(input) || moving.has(input));
    if (constant) continue;
    for (const output of node.outputs) (frozen && perImage(output.shape) ? own : moving).add(output);
    // What needs more than one image at once is not frozen, though all it is made of is.
    if (!node.outputs.every((output) => own.has(output)))
      for (const input of inputs) if (own.has(input)) boundary.add(input);
  }
  for (const end of ends) if (own.has(end)) boundary.add(end);
  const fits = ({ shape, dtype }: Value) =>
    shape[0] === 'N' && dtype === 'float32' && shape.slice(1).every((dim) => typeof dim === 'number');
  const used = new Set([...ends, ...nodesBehind(graph, ends).flatMap(({ inputs }) => inputs)]);
  const found = [...boundary].filter((value) => used.has(value));
  return found.every((value) => value.producer && fits(value)) ? found : [];
}

/** Rows of whole images, one image after another. */
function perImage([first]: Shape): boolean {
  if (typeof first !== 'string') return false;
  const { names } = productOf([first]);
  return names.length === 1 && names[0] === 'N';
}

function restOf(forward: Forward, target: Graph, boundary: readonly Value[], widths: readonly number[]): Rest {
  const width = widths.reduce((sum, own) => sum + own, 0);
  const features = target.input('features', 'float32', ['N', width]);
  const parts = boundary.length === 1 ? [features] : split(features, [...widths], 1);
  const known = new Map(
    boundary.map((value, i) => [value, reshape(parts[i], [-1, ...value.shape.slice(1).map(Number)])] as const),
  );
  const { auxiliary = [], packs, nextBuffers } = forward;
  const ends = [forward.logits, ...auxiliary.map(({ logits }) => logits), ...nextBuffers.values()];
  const inputs = packs.flatMap(({ input, members }) => [input, ...members]);
  copyInto(target, [...ends, ...inputs], known);
  const counterpart = (value: Value) => known.get(value) as Value;
  return {
    logits: counterpart(forward.logits),
    auxiliary: auxiliary.map(({ logits, weight }) => ({ logits: counterpart(logits), weight })),
    packs: packs.map(({ pack, input, members }) => ({
      pack,
      input: counterpart(input),
      members: members.map(counterpart),
    })),
    nextBuffers: new Map([...nextBuffers].map(([name, value]) => [name, counterpart(value)])),
    masks: forward.masks,
  };
}
