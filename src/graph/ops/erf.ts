import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { exp } from './exp.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';

export const Erf: OpDefinition = {
  type: 'Erf',
  infer: inferSame,
  gradient(node, dys) {
    const x = node.input(0);
    const slope = mul(exp(neg(mul(x, x))), scalarLike(x, 2 / Math.sqrt(Math.PI)));
    return [mul(onlyGradient(dys, node), slope)];
  },
};

/** The error function, 2/√π ∫₀ˣ e^(−t²) dt. */
export function erf(x: Value): Value {
  return apply(Erf, x);
}
