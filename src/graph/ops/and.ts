import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferComparison } from './elementwise.ts';

export const And: OpDefinition = { type: 'And', infer: inferComparison };

/** a ∧ b for booleans, with broadcasting. */
export function and(a: Value, b: Value): Value {
  return apply(And, a, b);
}
