import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferComparison } from './elementwise.ts';

export const Greater: OpDefinition = { type: 'Greater', infer: inferComparison };

/** a > b as a boolean, with broadcasting. */
export function greater(a: Value, b: Value): Value {
  return apply(Greater, a, b);
}
