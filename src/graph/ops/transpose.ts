import type { OpDefinition, Value } from '../graph.ts';
import { onlyGradient } from './elementwise.ts';

export const Transpose: OpDefinition = {
  type: 'Transpose',
  infer(node) {
    const x = node.input(0);
    const order = permutationOf(node.ints('perm'), x.rank);
    if (order.length !== x.rank || new Set(order).size !== x.rank || order.some((axis) => axis < 0 || axis >= x.rank)) {
      throw new Error(`perm [${order}] does not order the axes of [${x.shape}]`);
    }
    return [{ dtype: x.dtype, shape: order.map((axis) => x.shape[axis]) }];
  },
  gradient(node, dys) {
    const order = permutationOf(node.ints('perm'), node.input(0).rank);
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return [transpose(onlyGradient(dys, node), inverse)];
  },
};

function permutationOf(given: readonly number[] | undefined, rank: number): readonly number[] {
  return given ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
}

/** x with its axes reordered: axis i of the result is axis `order[i]` of x. */
export function transpose(x: Value, order: readonly number[]): Value {
  return x.graph.add(Transpose, [x], { perm: order })[0];
}
