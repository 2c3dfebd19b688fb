import type { OpDefinition, Value } from '../graph.ts';
import { div } from './div.ts';
import { apply, inferSame, onlyGradient, scalarLike } from './elementwise.ts';
import { mul } from './mul.ts';

export const Sqrt: OpDefinition = {
  type: 'Sqrt',
  infer: inferSame,
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    return [div(mul(dy, scalarLike(dy, 0.5)), node.outputs[0])];
  },
};

/** √x for x ≥ 0; the gradient at 0 is infinite, as in PyTorch. */
export function sqrt(x: Value): Value {
  return apply(Sqrt, x);
}
