import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { mul } from './mul.ts';
import { sub } from './sub.ts';

export const Sigmoid: OpDefinition = {
  type: 'Sigmoid',
  infer: inferSame,
  gradient(node, dys) {
    const y = node.outputs[0];
    return [mul(onlyGradient(dys, node), mul(y, sub(scalarLike(y, 1), y)))];
  },
};

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(x: Value): Value {
  return apply(Sigmoid, x);
}
