import type { OpDefinition, Value } from '../graph.ts';
import { onlyGradient, scalarLike } from './elementwise.ts';
import { mul } from './mul.ts';
import { inferReduction, keptDims, reduce } from './reduction.ts';

export const ReduceSumSquare: OpDefinition = {
  type: 'ReduceSumSquare',
  infer: inferReduction,
  gradient(node, dys) {
    const x = node.input(0);
    return [mul(mul(x, scalarLike(x, 2)), keptDims(node, onlyGradient(dys, node)))];
  },
};

/** Sum of squares over `axes`; with `keepDims` they stay as size 1. */
export function reduceSumSquare(x: Value, axes: readonly number[], keepDims: boolean): Value {
  return reduce(ReduceSumSquare, x, axes, keepDims);
}
