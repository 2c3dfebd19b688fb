import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferSame, onlyGradient } from './elementwise.ts';

export const Neg: OpDefinition = {
  type: 'Neg',
  infer: inferSame,
  gradient: (node, dys) => [neg(onlyGradient(dys, node))],
};

/** −x. */
export function neg(x: Value): Value {
  return apply(Neg, x);
}
