import type { OpDefinition, Value } from '../graph.ts';
import { apply } from './elementwise.ts';

export const Shape: OpDefinition = {
  type: 'Shape',
  infer: (node) => [{ dtype: 'int64', shape: [node.input(0).rank] }],
};

/** The dimensions of x as an int64 vector. */
export function shapeOf(x: Value): Value {
  return apply(Shape, x);
}
