import type { OpDefinition, Value } from '../graph.ts';
import { normalizeAxis, vectorLike } from '../shapes.ts';
import { onlyGradient } from './elementwise.ts';
import { reshapeLike } from './reshape.ts';

export const Unsqueeze: OpDefinition = {
  type: 'Unsqueeze',
  infer(node) {
    const x = node.input(0);
    const axes = node.constantInts(1) ?? node.ints('axes') ?? [];
    const rank = x.rank + axes.length;
    const added = new Set(axes.map((axis) => normalizeAxis(axis, rank)));
    const old = [...x.shape];
    return [{ dtype: x.dtype, shape: Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (old.shift() ?? 1))) }];
  },
  gradient: (node, dys) => [reshapeLike(onlyGradient(dys, node), node.input(0))],
};

/** x with dimensions of size 1 inserted at `axes` of the result. */
export function unsqueeze(x: Value, axes: readonly number[]): Value {
  return x.graph.add(Unsqueeze, [x, vectorLike(x, axes)])[0];
}
