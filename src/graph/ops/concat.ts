import type { Dim, OpDefinition, Value } from '../graph.ts';
import { normalizeAxis, staticDim } from '../shapes.ts';
import { onlyGradient } from './elementwise.ts';
import { slice } from './slice.ts';

export const Concat: OpDefinition = {
  type: 'Concat',
  infer(node) {
    const values = node.inputs.map((_, i) => node.input(i));
    const { dtype, shape } = values[0];
    const axis = normalizeAxis(node.int('axis', 0), shape.length);
    for (const value of values) {
      if (value.dtype !== dtype) throw new Error(`inputs are ${dtype} and ${value.dtype}`);
      if (value.rank !== shape.length || value.shape.some((dim, i) => i !== axis && dim !== shape[i])) {
        throw new Error(`shapes [${shape}] and [${value.shape}] differ off axis ${axis}`);
      }
    }
    const dims = values.map((value) => value.shape[axis]);
    const total: Dim = dims.every((dim) => typeof dim === 'number')
      ? dims.reduce<number>((sum, dim) => sum + Number(dim), 0)
      : node.graph.freshDim();
    return [{ dtype, shape: shape.map((dim, i) => (i === axis ? total : dim)) }];
  },
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    const axis = normalizeAxis(node.int('axis', 0), dy.rank);
    let start = 0;
    return node.inputs.map((_, i) => {
      const end = start + staticDim(node.input(i).shape[axis], `dimension ${axis} of a Concat input`);
      const part = needs[i] ? slice(dy, [start], [end], [axis]) : undefined;
      start = end;
      return part;
    });
  },
};

/** Values one after another along `axis`. */
export function concat(values: readonly Value[], axis: number): Value {
  return values[0].graph.add(Concat, values, { axis })[0];
}
