import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferComparison } from './elementwise.ts';

export const LessOrEqual: OpDefinition = { type: 'LessOrEqual', infer: inferComparison };

/** a ≤ b as a boolean, with broadcasting. */
export function lessOrEqual(a: Value, b: Value): Value {
  return apply(LessOrEqual, a, b);
}
