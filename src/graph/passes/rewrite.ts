// Copies a graph node by node, so that a pass can put something else in a node's place.
import type { Attribute } from '../attributes.ts';
import { Graph, type Node, Value } from '../graph.ts';
import { liveNodes } from '../live-nodes.ts';

/** What stands for a node in the new graph, given its inputs there; undefined keeps the node as it is. */
export type Lowering = (node: Node, inputs: readonly (Value | undefined)[]) => readonly Value[] | undefined;

/**
 * A graph that computes the same outputs from the same inputs, with `lower` applied to every node they depend on. The graph
 * itself where that changes nothing, or where a node has a body, whose captured values would have to be followed.
 */
export function rewritten(source: Graph, lower: Lowering): Graph {
  const live = liveNodes(source);
  if (live.some(({ attributes }) => Object.values(attributes).some(isBody))) return source;
  let changed = false;
  const target = new Graph(source.name);
  const copies = new Map<Value, Value>();
  for (const input of source.inputs) copies.set(input, target.input(input.name, input.dtype, input.shape));
  const copyOf = (value: Value): Value => {
    const known = copies.get(value);
    if (known) return known;
    if (!value.constant) throw new Error(`rewritten: "${value.name}" is used before its node`);
    // Copied when used: what a pass replaces would otherwise stay in memory.
    const copy = target.constant(value.constant, value.name);
    copies.set(value, copy);
    return copy;
  };
  for (const node of live) {
    const inputs = node.inputs.map((input) => input && copyOf(input));
    const instead = target.scoped(node.name, () => lower(node, inputs));
    changed ||= instead !== undefined;
    const outputs = instead ?? copied(target, node, inputs);
    node.outputs.forEach((output, i) => {
      copies.set(output, outputs[i]);
    });
  }
  for (const [name, value] of source.outputs) target.output(name, copyOf(value));
  return changed ? target : source;
}

function copied(target: Graph, node: Node, inputs: readonly (Value | undefined)[]): readonly Value[] {
  const outputs = target.add(node.definition, inputs, node.attributes, {
    name: node.name,
    domain: node.domain,
    outputNames: node.outputs.map(({ name }) => name),
  });
  // A gradient may have asked a node for a further output after it was added.
  for (const further of node.outputs.slice(outputs.length)) {
    outputs.push(new Value(target, target.uniqueName(further.name), further, { producer: outputs[0].producer }));
  }
  return outputs;
}

function isBody(value: Attribute): boolean {
  return typeof value === 'object' && 'graph' in value;
}
