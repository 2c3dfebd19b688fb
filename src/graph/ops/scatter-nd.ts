import type { OpDefinition, Value } from '../graph.ts';
import { inferSame } from './elementwise.ts';

export const ScatterND: OpDefinition = { type: 'ScatterND', infer: inferSame };

/** x with `updates` written (or added) at int64 `indices`, whose last dimension is an index into the leading axes of x. */
export function scatterNd(x: Value, indices: Value, updates: Value, reduction: 'none' | 'add'): Value {
  return x.graph.add(ScatterND, [x, indices, updates], { reduction })[0];
}
