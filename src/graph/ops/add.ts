import type { OpDefinition, Value } from '../graph.ts';
import { apply, broadcastGradients, inferBroadcast, onlyGradient } from './elementwise.ts';

export const Add: OpDefinition = {
  type: 'Add',
  infer: inferBroadcast,
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    return broadcastGradients(node, needs, [() => dy, () => dy]);
  },
};

/** a + b, elementwise with broadcasting. */
export function add(a: Value, b: Value): Value {
  return apply(Add, a, b);
}
