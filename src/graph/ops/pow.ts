import type { OpDefinition, Value } from '../graph.ts';
import { apply, broadcastGradients, inferBroadcast, onlyGradient, scalarLike } from './elementwise.ts';
import { log } from './log.ts';
import { mul } from './mul.ts';
import { sub } from './sub.ts';

export const Pow: OpDefinition = {
  type: 'Pow',
  infer: inferBroadcast,
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    const base = node.input(0);
    const exponent = node.input(1);
    return broadcastGradients(node, needs, [
      () => mul(dy, mul(exponent, pow(base, sub(exponent, scalarLike(exponent, 1))))),
      () => mul(dy, mul(node.outputs[0], log(base))),
    ]);
  },
};

/** base ^ exponent with broadcasting; the gradient to the exponent needs base > 0. */
export function pow(base: Value, exponent: Value): Value {
  return apply(Pow, base, exponent);
}
