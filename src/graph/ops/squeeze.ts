import type { OpDefinition, Value } from '../graph.ts';
import { normalizeAxis, vectorLike } from '../shapes.ts';
import { onlyGradient } from './elementwise.ts';
import { reshapeLike } from './reshape.ts';

export const Squeeze: OpDefinition = {
  type: 'Squeeze',
  infer(node) {
    const x = node.input(0);
    const given = node.constantInts(1) ?? node.ints('axes');
    const axes =
      given?.map((axis) => normalizeAxis(axis, x.rank)) ?? x.shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
    const odd = axes.find((axis) => x.shape[axis] !== 1);
    if (odd !== undefined) throw new Error(`dimension ${odd} of [${x.shape}] is not 1`);
    return [{ dtype: x.dtype, shape: x.shape.filter((_, axis) => !axes.includes(axis)) }];
  },
  gradient: (node, dys) => [reshapeLike(onlyGradient(dys, node), node.input(0))],
};

/** x without its dimensions of size 1 at `axes`. */
export function squeeze(x: Value, axes: readonly number[]): Value {
  return x.graph.add(Squeeze, [x, vectorLike(x, axes)])[0];
}
