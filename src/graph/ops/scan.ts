// Scan: a body graph applied to one slice after another, without copying slices in or results out.
import type { Graph, Node, OpDefinition, Value, ValueType } from '../graph.ts';

function bodyOf(node: Node): Graph {
  const body = node.attributes.body;
  if (typeof body === 'object' && 'graph' in body) return body.graph;
  throw new Error('has no body');
}

/** No gradient: it is meant for what follows the backward pass. */
export const Scan: OpDefinition = {
  type: 'Scan',
  infer(node) {
    const body = bodyOf(node);
    if (body.inputs.length !== node.inputs.length) {
      throw new Error(`the body takes ${body.inputs.length} inputs, ${node.inputs.length} are given`);
    }
    const length = node.input(0).shape[0];
    node.inputs.forEach((_, i) => {
      const { name, shape } = node.input(i);
      if (shape[0] !== length) throw new Error(`"${name}" has ${shape[0]} slices, not ${length}`);
      if (shape.slice(1).join() !== body.inputs[i].shape.join()) {
        throw new Error(`slices of "${name}" are [${shape.slice(1)}], the body takes [${body.inputs[i].shape}]`);
      }
    });
    return [...body.outputs.values()].map(({ dtype, shape }): ValueType => ({ dtype, shape: [length, ...shape] }));
  },
};

/**
 * Runs `body` for every slice along the first axis of `inputs` (all of the same length); its inputs are the slices, its
 * outputs come back stacked. Besides, the body may use values of this graph through `Graph.capture`.
 */
export function scan(body: Graph, inputs: readonly Value[]): Value[] {
  const { graph } = inputs[0];
  return graph.add(Scan, inputs, { body: { graph: body }, num_scan_inputs: inputs.length });
}
