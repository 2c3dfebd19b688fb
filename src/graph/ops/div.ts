import type { OpDefinition, Value } from '../graph.ts';
import { apply, broadcastGradients, inferBroadcast, onlyGradient } from './elementwise.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';

export const Div: OpDefinition = {
  type: 'Div',
  infer: inferBroadcast,
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    const b = node.input(1);
    return broadcastGradients(node, needs, [() => div(dy, b), () => neg(mul(dy, div(node.outputs[0], b)))]);
  },
};

/** a / b, elementwise with broadcasting. */
export function div(a: Value, b: Value): Value {
  return apply(Div, a, b);
}
