import type { OpDefinition, Value } from '../graph.ts';
import { inferSame } from './elementwise.ts';

export const ScatterElements: OpDefinition = { type: 'ScatterElements', infer: inferSame };

/** x with each element of `updates` written (or added) at the position along `axis` that `indices` (int64, same shape) names. */
export function scatterElements(
  x: Value,
  indices: Value,
  updates: Value,
  axis: number,
  reduction: 'none' | 'add',
): Value {
  return x.graph.add(ScatterElements, [x, indices, updates], { axis, reduction })[0];
}
