import type { OpDefinition, Value } from '../graph.ts';
import { broadcastShapes } from '../shapes.ts';
import { apply, broadcastGradients, onlyGradient, scalarLike } from './elementwise.ts';

export const Where: OpDefinition = {
  type: 'Where',
  infer(node) {
    const [condition, a, b] = [node.input(0), node.input(1), node.input(2)];
    if (condition.dtype !== 'bool') throw new Error(`the condition is ${condition.dtype}, not bool`);
    if (a.dtype !== b.dtype) throw new Error(`inputs are ${a.dtype} and ${b.dtype}`);
    return [{ dtype: a.dtype, shape: [condition.shape, a.shape, b.shape].reduce(broadcastShapes) }];
  },
  gradient(node, dys, needs) {
    const dy = onlyGradient(dys, node);
    const zero = scalarLike(dy, 0);
    const [none, a, b] = broadcastGradients(
      node,
      [false, needs[1], needs[2]],
      [() => dy, () => where(node.input(0), dy, zero), () => where(node.input(0), zero, dy)],
    );
    return [none, a, b];
  },
};

/** a where `condition` holds, else b, with broadcasting. */
export function where(condition: Value, a: Value, b: Value): Value {
  return apply(Where, condition, a, b);
}
