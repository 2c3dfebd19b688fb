import type { OpDefinition, Value } from '../graph.ts';
import { normalizeAxis } from '../shapes.ts';
import { inferSame, onlyGradient } from './elementwise.ts';
import { mul } from './mul.ts';
import { reduceSum } from './reduce-sum.ts';
import { sub } from './sub.ts';

export const Softmax: OpDefinition = {
  type: 'Softmax',
  infer: inferSame,
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const y = node.outputs[0];
    const axis = normalizeAxis(node.int('axis', -1), y.rank);
    return [mul(y, sub(dy, reduceSum(mul(dy, y), [axis], true)))];
  },
};

/** Softmax along `axis`. */
export function softmax(x: Value, axis = -1): Value {
  return x.graph.add(Softmax, [x], { axis })[0];
}
