// Which nodes of a graph count: those that its outputs depend on.
import type { Graph, Node, Value } from './graph.ts';

/** Nodes that some output depends on, in order. */
export function liveNodes(graph: Graph): Node[] {
  return nodesBehind(graph, graph.outputs.values());
}

/** Nodes of a graph that some of its values depend on, in order. */
export function nodesBehind(graph: Graph, values: Iterable<Value>): Node[] {
  const wanted = new Set(values);
  const found: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    found.push(node);
    for (const input of node.inputs) if (input) wanted.add(input);
    for (const value of capturedBy(node)) wanted.add(value);
  }
  return found.reverse();
}

/** Values that the bodies of a node take from the graph around them. */
export function capturedBy({ attributes }: Node): Value[] {
  return Object.values(attributes).flatMap((value) =>
    typeof value === 'object' && 'graph' in value ? [...value.graph.captured.values()] : [],
  );
}
