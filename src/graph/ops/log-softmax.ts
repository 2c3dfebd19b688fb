import type { OpDefinition, Value } from '../graph.ts';
import { normalizeAxis } from '../shapes.ts';
import { inferSame, onlyGradient } from './elementwise.ts';
import { exp } from './exp.ts';
import { mul } from './mul.ts';
import { reduceSum } from './reduce-sum.ts';
import { sub } from './sub.ts';

export const LogSoftmax: OpDefinition = {
  type: 'LogSoftmax',
  infer: inferSame,
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const y = node.outputs[0];
    const axis = normalizeAxis(node.int('axis', -1), y.rank);
    return [sub(dy, mul(exp(y), reduceSum(dy, [axis], true)))];
  },
};

/** Logarithm of the softmax along `axis`, computed without overflow. */
export function logSoftmax(x: Value, axis = -1): Value {
  return x.graph.add(LogSoftmax, [x], { axis })[0];
}
