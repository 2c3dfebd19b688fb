import type { OpDefinition, Value } from '../graph.ts';
import { cast } from './cast.ts';
import { apply, inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { greater } from './greater.ts';
import { mul } from './mul.ts';

export const Relu: OpDefinition = {
  type: 'Relu',
  infer: inferSame,
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    // A product with the mask is faster in ONNX Runtime than Where.
    const mask = cast(greater(node.outputs[0], scalarLike(dy, 0)), dy.dtype);
    return [mul(dy, mask)];
  },
};

/** max(x, 0); the gradient at 0 is 0, as in PyTorch. */
export function relu(x: Value): Value {
  return apply(Relu, x);
}
