import type { OpDefinition, Value } from '../graph.ts';
import { broadcastShapes } from '../shapes.ts';
import { apply, onlyGradient, unbroadcast } from './elementwise.ts';
import { transpose } from './transpose.ts';

export const MatMul: OpDefinition = {
  type: 'MatMul',
  infer(node) {
    const [a, b] = [node.input(0), node.input(1)];
    if (a.rank < 2 || b.rank < 2) throw new Error(`needs at least matrices, got [${a.shape}] and [${b.shape}]`);
    const [inner, inner2] = [a.shape[a.rank - 1], b.shape[b.rank - 2]];
    if (typeof inner === 'number' && typeof inner2 === 'number' && inner !== inner2) {
      throw new Error(`inner dimensions ${inner} and ${inner2} differ`);
    }
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return [{ dtype: a.dtype, shape: [...batch, a.shape[a.rank - 2], b.shape[b.rank - 1]] }];
  },
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    const [a, b] = [node.input(0), node.input(1)];
    return [
      needs[0] ? unbroadcast(matMul(dy, swapLast(b)), a) : undefined,
      needs[1] ? unbroadcast(matMul(swapLast(a), dy), b) : undefined,
    ];
  },
};

function swapLast(x: Value): Value {
  const order = x.shape.map((_, axis) => axis);
  return transpose(x, [...order.slice(0, -2), x.rank - 1, x.rank - 2]);
}

/** Matrix product over the last two axes, the leading ones broadcast. */
export function matMul(a: Value, b: Value): Value {
  return apply(MatMul, a, b);
}
