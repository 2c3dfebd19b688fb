// Reductions of imported models.
import type { Value } from '../graph.ts';
import { abs } from '../ops/abs.ts';
import { neg } from '../ops/neg.ts';
import { reduceMax } from '../ops/reduce-max.ts';
import { reduceMean } from '../ops/reduce-mean.ts';
import { reduceSum } from '../ops/reduce-sum.ts';
import { reduceSumSquare } from '../ops/reduce-sum-square.ts';
import { sqrt } from '../ops/sqrt.ts';
import { dimOf, productOf } from '../shapes.ts';
import { axesOf } from './emit-shapes.ts';
import { frontAxes, type Known } from './known.ts';
import type { Emit, NodeView } from './view.ts';

/** A reduction over the axes that the file gives: all where it gives none. */
const reduction =
  (emit: (x: Value, axes: readonly number[], keep: boolean) => Value): Emit =>
  (node) => {
    const small = node.known(0);
    if (small && !node.entries[0]?.value && node.node.op === 'ReduceProd')
      return [{ known: productKnown(small, node) }];
    const x = node.input(0);
    const axes = axesOf(node) ?? [];
    if (axes.length === 0 && node.int('noop_with_empty_axes', 0) === 1) return [x];
    const all = axes.length === 0 ? x.shape.map((_, axis) => axis) : frontAxes(axes, x.rank);
    return [emit(x, all, node.int('keepdims', 1) === 1)];
  };

function productKnown(known: Known, node: NodeView): Known {
  const dims = [dimOf(productOf(known.dims))];
  return { dtype: known.dtype, shape: node.int('keepdims', 1) === 1 ? [1] : [], dims };
}

export const reducingEmitters: Readonly<Record<string, Emit>> = {
  ReduceMean: reduction(reduceMean),
  ReduceSum: reduction(reduceSum),
  ReduceSumSquare: reduction(reduceSumSquare),
  ReduceMax: reduction(reduceMax),
  ReduceMin: reduction((x, axes, keep) => neg(reduceMax(neg(x), axes, keep))),
  ReduceL1: reduction((x, axes, keep) => reduceSum(abs(x), axes, keep)),
  ReduceL2: reduction((x, axes, keep) => sqrt(reduceSumSquare(x, axes, keep))),
  ReduceProd: reduction(() => {
    throw new Error('ReduceProd is supported on shapes only');
  }),
};
