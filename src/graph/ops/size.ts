import type { OpDefinition, Value } from '../graph.ts';
import { apply } from './elementwise.ts';

export const Size: OpDefinition = { type: 'Size', infer: () => [{ dtype: 'int64', shape: [] }] };

/** The number of elements of x as an int64 scalar. */
export function sizeOfValue(x: Value): Value {
  return apply(Size, x);
}
