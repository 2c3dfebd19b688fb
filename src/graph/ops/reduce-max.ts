import type { OpDefinition, Value } from '../graph.ts';
import { cast } from './cast.ts';
import { div } from './div.ts';
import { onlyGradient } from './elementwise.ts';
import { equal } from './equal.ts';
import { mul } from './mul.ts';
import { reduceSum } from './reduce-sum.ts';
import { inferReduction, keptDims, reduce, reducedAxes } from './reduction.ts';

export const ReduceMax: OpDefinition = {
  type: 'ReduceMax',
  infer: inferReduction,
  gradient(node, dys) {
    const x = node.input(0);
    const winners = cast(equal(x, keptDims(node, node.outputs[0])), x.dtype);
    const axes = reducedAxes(node);
    const share = axes.length === 0 ? winners : div(winners, reduceSum(winners, axes, true));
    return [mul(share, keptDims(node, onlyGradient(dys, node)))];
  },
};

/** Largest entry over `axes`; entries that tie share the gradient equally, as in PyTorch's amax. */
export function reduceMax(x: Value, axes: readonly number[], keepDims: boolean): Value {
  return reduce(ReduceMax, x, axes, keepDims);
}
