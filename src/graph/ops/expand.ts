import { int64 } from '../../core/tensor.ts';
import type { OpDefinition, Value } from '../graph.ts';
import { broadcastShapes } from '../shapes.ts';
import { onlyGradient, unbroadcast } from './elementwise.ts';
import { shapeOf } from './shape.ts';

export const Expand: OpDefinition = {
  type: 'Expand',
  infer(node) {
    const x = node.input(0);
    const target = node.input(1);
    const shape = target.producer?.op === 'Shape' ? target.producer.input(0).shape : node.constantInts(1);
    return [{ dtype: x.dtype, shape: broadcastShapes(x.shape, shape ?? []) }];
  },
  gradient: (node, dys) => [unbroadcast(onlyGradient(dys, node), node.input(0))],
};

/** x broadcast to the shape of `like`. */
export function expandLike(x: Value, like: Value): Value {
  const target = like.shape.every((dim) => typeof dim === 'number')
    ? like.graph.constant(int64([like.rank], like.shape as number[]))
    : shapeOf(like);
  return x.graph.add(Expand, [x, target])[0];
}
