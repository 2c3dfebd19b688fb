import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { mul } from './mul.ts';
import { sub } from './sub.ts';

export const Tanh: OpDefinition = {
  type: 'Tanh',
  infer: inferSame,
  gradient(node, dys) {
    const y = node.outputs[0];
    return [mul(onlyGradient(dys, node), sub(scalarLike(y, 1), mul(y, y)))];
  },
};

/** Hyperbolic tangent. */
export function tanh(x: Value): Value {
  return apply(Tanh, x);
}
