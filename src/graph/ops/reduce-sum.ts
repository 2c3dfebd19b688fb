import type { OpDefinition, Value } from '../graph.ts';
import { onlyGradient } from './elementwise.ts';
import { inferReduction, reduce, spread } from './reduction.ts';

export const ReduceSum: OpDefinition = {
  type: 'ReduceSum',
  infer: inferReduction,
  gradient: (node, dys) => [spread(node, onlyGradient(dys, node))],
};

/** Sum over `axes`; with `keepDims` they stay as size 1. */
export function reduceSum(x: Value, axes: readonly number[], keepDims: boolean): Value {
  return reduce(ReduceSum, x, axes, keepDims);
}
