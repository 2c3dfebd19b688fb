import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferComparison } from './elementwise.ts';

export const Less: OpDefinition = { type: 'Less', infer: inferComparison };

/** a < b as a boolean, with broadcasting. */
export function less(a: Value, b: Value): Value {
  return apply(Less, a, b);
}
