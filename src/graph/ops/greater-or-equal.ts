import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferComparison } from './elementwise.ts';

export const GreaterOrEqual: OpDefinition = { type: 'GreaterOrEqual', infer: inferComparison };

/** a ≥ b as a boolean, with broadcasting. */
export function greaterOrEqual(a: Value, b: Value): Value {
  return apply(GreaterOrEqual, a, b);
}
