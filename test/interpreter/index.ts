// A naive interpreter of graphs in float64, written from the ONNX operator definitions: what tests compare the engine with.
import type { Graph, Node, Value } from '../../src/graph/graph.ts';
import { type Kernel, type NdArray, need } from './array.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { linear } from './linear.ts';
import { reductions } from './reductions.ts';
import { shapeOps } from './shape-ops.ts';
import { windows } from './windows.ts';

export type { NdArray } from './array.ts';

const kernels: ReadonlyMap<string, Kernel> = new Map(
  Object.entries({ ...elementwise, ...windows, ...shapeOps, ...indexing, ...reductions, ...linear }),
);

/** Names of the ops that the interpreter can run. */
export const interpretedOps: readonly string[] = [...kernels.keys()];

/**
 * Computes `targets` (by default the graph's outputs) and everything they depend on.
 * Feeds are by input name; a feed named like a constant takes its place.
 * @throws Error when an op is unknown or an input is not fed.
 */
export function evaluate(
  graph: Graph,
  feeds: Readonly<Record<string, NdArray>>,
  targets: Iterable<Value> = graph.outputs.values(),
): Map<Value, NdArray> {
  const known = new Map<Value, NdArray>();
  for (const value of graph.constants) known.set(value, feeds[value.name] ?? constantArray(value));
  for (const value of graph.inputs) if (feeds[value.name]) known.set(value, feeds[value.name]);
  for (const node of requiredNodes(graph, targets)) {
    const kernel = kernels.get(node.op);
    if (!kernel) throw new Error(`the interpreter does not know op ${node.op}`);
    const inputs = node.inputs.map((input) => {
      if (input && !known.has(input)) throw new Error(`${node.op} "${node.name}": "${input.name}" is not fed`);
      return input && known.get(input);
    });
    const results = kernel(inputs, node);
    node.outputs.forEach((output, i) => {
      known.set(output, need(results[i]));
    });
  }
  return known;
}

function constantArray(value: Value): NdArray {
  const content = value.constant;
  if (!content) throw new Error(`"${value.name}" is not a constant`);
  return { shape: content.shape, data: Float64Array.from(content.data as ArrayLike<number | bigint>, Number) };
}

function requiredNodes(graph: Graph, targets: Iterable<Value>): Node[] {
  const wanted = new Set<Value>(targets);
  const required: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    required.unshift(node);
    for (const input of node.inputs) if (input) wanted.add(input);
  }
  return required;
}
