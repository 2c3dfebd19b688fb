import type { OpDefinition, Shape, Value } from '../graph.ts';
import { reshaped, reshapeTarget, vectorLike } from '../shapes.ts';
import { onlyGradient } from './elementwise.ts';
import { shapeOf } from './shape.ts';

export const Reshape: OpDefinition = {
  type: 'Reshape',
  infer(node) {
    const x = node.input(0);
    const target = node.input(1);
    if (target.constant) {
      return [{ dtype: x.dtype, shape: reshaped(node.graph, x.shape, node.constantInts(1) ?? []) }];
    }
    // The shape of another value, computed when the graph runs.
    if (target.producer?.op === 'Shape') return [{ dtype: x.dtype, shape: target.producer.input(0).shape }];
    const rank = target.shape[0];
    if (typeof rank !== 'number') throw new Error('the rank of the target shape must be known');
    return [{ dtype: x.dtype, shape: Array.from({ length: rank }, () => node.graph.freshDim()) }];
  },
  gradient: (node, dys) => [reshapeLike(onlyGradient(dys, node), node.input(0))],
};

/** x with its elements laid out in another shape; 0 copies a dimension, one -1 takes what remains. */
export function reshape(x: Value, target: readonly number[]): Value {
  return x.graph.add(Reshape, [x, vectorLike(x, target)])[0];
}

/** x in the shape of `like`, which must have as many elements. */
export function reshapeLike(x: Value, like: Value): Value {
  if (sameShape(x.shape, like.shape)) return x;
  const target = reshapeTarget(like.shape);
  return target ? reshape(x, target) : x.graph.add(Reshape, [x, shapeOf(like)])[0];
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
