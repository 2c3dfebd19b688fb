import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferSame, onlyGradient } from './elementwise.ts';
import { mul } from './mul.ts';

export const Exp: OpDefinition = {
  type: 'Exp',
  infer: inferSame,
  gradient: (node, dys) => [mul(onlyGradient(dys, node), node.outputs[0])],
};

/** eˣ. */
export function exp(x: Value): Value {
  return apply(Exp, x);
}
