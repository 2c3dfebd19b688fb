// Reverse-mode automatic differentiation: emits the backward pass into the same graph.
import { inputError, messageOf } from '../core/errors.ts';
import { filled } from '../core/tensor.ts';
import type { Graph, Node, Value } from './graph.ts';
import { add } from './ops/add.ts';
import { staticShape } from './shapes.ts';

/**
 * Gradients of a scalar `loss` with respect to `wrt`, as values of the same graph.
 * A value that the loss does not depend on gets undefined.
 * @throws TriggerlabError (input) when nodes on the way have no gradient, naming all of them with their ops: our own
 * networks have none such, imported ones may.
 */
export function gradients(loss: Value, wrt: readonly Value[]): (Value | undefined)[] {
  const graph = loss.graph;
  const nodes = [...graph.nodes];
  const needed = reach(nodes, wrt);
  const seed = graph.constant(filled(staticShape(loss.shape, 'the shape of a loss'), 1));
  const flowing = new Map<Value, Value>([[loss, seed]]);
  const gaps: string[] = [];
  for (const node of nodes.reverse()) {
    const dy = node.outputs.map((output) => flowing.get(output));
    const needs = node.inputs.map((input) => input !== undefined && needed.has(input));
    if (!needs.includes(true) || dy.every((value) => value === undefined)) continue;
    const emitted = emitGradient(node, dy, needs, gaps);
    node.inputs.forEach((input, i) => {
      const gradient = emitted[i];
      if (input && needs[i] && gradient) accumulate(graph, flowing, input, gradient);
    });
  }
  if (gaps.length > 0) {
    const more = gaps.length > LISTED ? ` and at ${gaps.length - LISTED} more places` : '';
    throw inputError(`${gaps.slice(0, LISTED).join('; ')}${more}`, {
      hint: 'Train only what lies behind them (freeze: head), or use a network without them.',
    });
  }
  return wrt.map((value) => flowing.get(value));
}

/** Places without gradient that a message lists. */
const LISTED = 20;

/** The gradients of a node's inputs; none, and a note in `gaps`, where there is no gradient through it. */
function emitGradient(
  node: Node,
  dy: readonly (Value | undefined)[],
  needs: readonly boolean[],
  gaps: string[],
): readonly (Value | undefined)[] {
  if (!node.definition.gradient) {
    gaps.push(`no gradient through op ${node.op} ("${node.name}")`);
    return [];
  }
  try {
    return node.graph.scoped('grad', () => node.definition.gradient?.(node, dy, needs)) ?? [];
  } catch (error) {
    if (!messageOf(error).startsWith('no gradient')) throw error;
    gaps.push(messageOf(error));
    return [];
  }
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
