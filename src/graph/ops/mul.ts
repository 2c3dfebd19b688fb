import type { OpDefinition, Value } from '../graph.ts';
import { apply, broadcastGradients, inferBroadcast, onlyGradient } from './elementwise.ts';

export const Mul: OpDefinition = {
  type: 'Mul',
  infer: inferBroadcast,
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    return broadcastGradients(node, needs, [() => mul(dy, node.input(1)), () => mul(dy, node.input(0))]);
  },
};

/** a · b, elementwise with broadcasting. */
export function mul(a: Value, b: Value): Value {
  return apply(Mul, a, b);
}
