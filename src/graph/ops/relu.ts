import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { greater } from './greater.ts';
import { where } from './where.ts';

export const Relu: OpDefinition = {
  type: 'Relu',
  infer: inferSame,
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const zero = scalarLike(dy, 0);
    return [where(greater(node.outputs[0], zero), dy, zero)];
  },
};

/** max(x, 0); the gradient at 0 is 0, as in PyTorch. */
export function relu(x: Value): Value {
  return apply(Relu, x);
}
