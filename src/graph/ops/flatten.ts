import type { OpDefinition, Shape, Value } from '../graph.ts';
import { dimOf, productOf } from '../shapes.ts';
import { onlyGradient } from './elementwise.ts';
import { reshapeLike } from './reshape.ts';

export const Flatten: OpDefinition = {
  type: 'Flatten',
  infer(node) {
    const x = node.input(0);
    const axis = node.int('axis', 1);
    const at = axis < 0 ? axis + x.rank : axis;
    if (at < 0 || at > x.rank) throw new RangeError(`axis ${axis} is outside a rank-${x.rank} shape`);
    const product = (shape: Shape) => dimOf(productOf(shape));
    return [{ dtype: x.dtype, shape: [product(x.shape.slice(0, at)), product(x.shape.slice(at))] }];
  },
  gradient: (node, dys) => [reshapeLike(onlyGradient(dys, node), node.input(0))],
};

/** x as a matrix: dimensions before `axis` become rows, the others columns. */
export function flatten(x: Value, axis = 1): Value {
  return x.graph.add(Flatten, [x], { axis })[0];
}
