import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferComparison } from './elementwise.ts';

export const Equal: OpDefinition = { type: 'Equal', infer: inferComparison };

/** a = b as a boolean, with broadcasting. */
export function equal(a: Value, b: Value): Value {
  return apply(Equal, a, b);
}
