import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferSame } from './elementwise.ts';

export const Sign: OpDefinition = { type: 'Sign', infer: inferSame, gradient: () => [undefined] };

/** −1, 0 or 1; its gradient is 0 everywhere. */
export function sign(x: Value): Value {
  return apply(Sign, x);
}
