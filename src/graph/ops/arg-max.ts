import type { OpDefinition, Value } from '../graph.ts';
import { normalizeAxis } from '../shapes.ts';

export const ArgMax: OpDefinition = {
  type: 'ArgMax',
  infer(node) {
    const x = node.input(0);
    const axis = normalizeAxis(node.int('axis', 0), x.rank);
    const keep = node.int('keepdims', 1) === 1;
    const shape = x.shape.flatMap((dim, i) => (i !== axis ? [dim] : keep ? [1] : []));
    return [{ dtype: 'int64', shape }];
  },
};

/** Index of the largest entry along `axis` (the first where several tie), int64, that axis removed. */
export function argMax(x: Value, axis: number): Value {
  return x.graph.add(ArgMax, [x], { axis, keepdims: 0 })[0];
}
