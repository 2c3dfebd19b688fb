// Reverse-mode automatic differentiation: emits the backward pass into the same graph.
import { filled } from '../core/tensor.ts';
import type { Graph, Node, Value } from './graph.ts';
import { add } from './ops/add.ts';
import { staticShape } from './shapes.ts';

/**
 * Gradients of a scalar `loss` with respect to `wrt`, as values of the same graph.
 * A value that the loss does not depend on gets undefined.
 * @throws Error when a node on the way has no gradient, naming the node and its op.
 */
export function gradients(loss: Value, wrt: readonly Value[]): (Value | undefined)[] {
  const graph = loss.graph;
  const nodes = [...graph.nodes];
  const needed = reach(nodes, wrt);
  const seed = graph.constant(filled(staticShape(loss.shape, 'the shape of a loss'), 1));
  const flowing = new Map<Value, Value>([[loss, seed]]);
  for (const node of nodes.reverse()) {
    const dy = node.outputs.map((output) => flowing.get(output));
    const needs = node.inputs.map((input) => input !== undefined && needed.has(input));
    if (!needs.includes(true) || dy.every((value) => value === undefined)) continue;
    if (!node.definition.gradient) {
      throw new Error(`no gradient through op ${node.op} ("${node.name}")`);
    }
    const emitted = graph.scoped('grad', () => node.definition.gradient?.(node, dy, needs)) ?? [];
    node.inputs.forEach((input, i) => {
      const gradient = emitted[i];
      if (input && needs[i] && gradient) accumulate(graph, flowing, input, gradient);
    });
  }
  return wrt.map((value) => flowing.get(value));
}

function accumulate(graph: Graph, flowing: Map<Value, Value>, value: Value, gradient: Value): void {
  const before = flowing.get(value);
  flowing.set(value, before ? graph.scoped('grad', () => add(before, gradient)) : gradient);
}

/** All values that depend on one of `sources`, the sources included. */
function reach(nodes: readonly Node[], sources: readonly Value[]): Set<Value> {
  const reached = new Set<Value>(sources);
  for (const node of nodes) {
    if (node.inputs.some((input) => input && reached.has(input)))
      for (const output of node.outputs) reached.add(output);
  }
  return reached;
}
