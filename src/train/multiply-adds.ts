// How much arithmetic a graph asks for: the multiply-adds of its convolutions and matrix products.
import type { Dim, Graph, Node, Value } from '../graph/graph.ts';
import { liveNodes } from '../graph/live-nodes.ts';
import { productOf } from '../graph/shapes.ts';

/**
 * Multiply-adds of the Conv, ConvTranspose, Gemm and MatMul nodes that the graph's outputs depend on, those in the bodies of
 * Scan nodes included, with `batch` for the dimension `N`. Products with padding zeros count, as everywhere; elementwise work and reductions do not.
 * @throws Error when a size is known only at run time.
 */
export function multiplyAdds(graph: Graph, batch: number): number {
  return liveNodes(graph).reduce((sum, node) => sum + nodeMultiplyAdds(node, batch), 0);
}

/** Those of one node; 0 for ops that are not counted. @throws Error when a size is known only at run time. */
export function nodeMultiplyAdds(node: Node, batch: number): number {
  return COUNTED[node.op]?.(node, batch) ?? 0;
}

const COUNTED: Readonly<Record<string, (node: Node, batch: number) => number>> = {
  // Every output element meets one kernel: weight [O, I/group, kh, kw].
  Conv: (node, batch) => elements(node.outputs[0], batch) * perChannel(node.input(1), batch),
  // Every input element meets one kernel: weight [I, O/group, kh, kw].
  ConvTranspose: (node, batch) => elements(node.input(0), batch) * perChannel(node.input(1), batch),
  Gemm: (node, batch) =>
    elements(node.outputs[0], batch) * size(node.input(0).shape[node.int('transA', 0) ? 0 : 1], batch),
  Scan: (node, batch) => {
    const { body } = node.attributes;
    const once = typeof body === 'object' && 'graph' in body ? multiplyAdds(body.graph, batch) : 0;
    return once * size(node.input(0).shape[0], batch);
  },
  MatMul: (node, batch) => elements(node.outputs[0], batch) * size(node.input(0).shape[node.input(0).rank - 1], batch),
};

function perChannel(weight: Value, batch: number): number {
  return elements(weight, batch) / size(weight.shape[0], batch);
}

/** Number of elements of a value, with `batch` for the dimension `N`. @throws Error when a size is known only at run time. */
export function elements(value: Value, batch: number): number {
  return value.shape.reduce<number>((product, dim) => product * size(dim, batch), 1);
}

function size(dim: Dim, batch: number): number {
  if (typeof dim === 'number') return dim;
  const { size: known, names } = productOf([dim]);
  if (names.some((name) => name !== 'N')) throw new Error(`multiplyAdds: dimension "${dim}" is known only at run time`);
  return known * batch ** names.length;
}
