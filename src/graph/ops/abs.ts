import type { OpDefinition, Value } from '../graph.ts';
import { apply, inferSame, onlyGradient } from './elementwise.ts';
import { mul } from './mul.ts';
import { sign } from './sign.ts';

export const Abs: OpDefinition = {
  type: 'Abs',
  infer: inferSame,
  gradient: (node, dys) => [mul(onlyGradient(dys, node), sign(node.input(0)))],
};

/** |x|; the gradient at 0 is 0, as in PyTorch. */
export function abs(x: Value): Value {
  return apply(Abs, x);
}
