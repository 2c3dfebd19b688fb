import type { OpDefinition, Value } from '../graph.ts';
import { apply, broadcastGradients, inferBroadcast, onlyGradient } from './elementwise.ts';
import { neg } from './neg.ts';

export const Sub: OpDefinition = {
  type: 'Sub',
  infer: inferBroadcast,
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    return broadcastGradients(node, needs, [() => dy, () => neg(dy)]);
  },
};

/** a − b, elementwise with broadcasting. */
export function sub(a: Value, b: Value): Value {
  return apply(Sub, a, b);
}
