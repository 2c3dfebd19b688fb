import { float32, int64 } from '../../core/tensor.ts';
import type { OpDefinition, Value } from '../graph.ts';
import { shapeOf } from './shape.ts';

export const ConstantOfShape: OpDefinition = {
  type: 'ConstantOfShape',
  infer(node) {
    const target = node.input(0);
    const value = node.attributes.value;
    const dtype = value && typeof value === 'object' && 'tensor' in value ? value.tensor.dtype : 'float32';
    const length = target.shape[0];
    if (target.producer?.op === 'Shape') return [{ dtype, shape: target.producer.input(0).shape }];
    if (target.constant) return [{ dtype, shape: node.constantInts(0) ?? [] }];
    if (typeof length !== 'number') throw new Error('the rank of the shape must be known');
    return [{ dtype, shape: Array.from({ length }, () => node.graph.freshDim()) }];
  },
};

/** A float32 value of the shape of `like`, filled with one number. */
export function fullLike(like: Value, value: number): Value {
  const target = like.shape.every((dim) => typeof dim === 'number')
    ? like.graph.constant(int64([like.rank], like.shape as number[]))
    : shapeOf(like);
  return like.graph.add(ConstantOfShape, [target], { value: { tensor: float32([1], [value]) } })[0];
}
