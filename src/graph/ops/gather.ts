import type { OpDefinition, Value } from '../graph.ts';
import { normalizeAxis, vectorLike } from '../shapes.ts';
import { fullLike } from './constant-of-shape.ts';
import { onlyGradient } from './elementwise.ts';
import { scatterNd } from './scatter-nd.ts';
import { transpose } from './transpose.ts';
import { Unsqueeze } from './unsqueeze.ts';

export const Gather: OpDefinition = {
  type: 'Gather',
  infer(node) {
    const x = node.input(0);
    const indices = node.input(1);
    const axis = normalizeAxis(node.int('axis', 0), x.rank);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const x = node.input(0);
    const indices = node.input(1);
    const axis = normalizeAxis(node.int('axis', 0), x.rank);
    // Rows are added where they were read: with the gathered axis in front, and back.
    const front = [axis, ...x.shape.map((_, i) => i).filter((i) => i !== axis)];
    const back = x.shape.map((_, i) => front.indexOf(i));
    const taken = indices.shape.map((_, i) => axis + i);
    const updates = transpose(dy, [...taken, ...dy.shape.map((_, i) => i).filter((i) => !taken.includes(i))]);
    const zeros = transpose(fullLike(x, 0), front);
    const places = node.graph.add(Unsqueeze, [indices, vectorLike(indices, [-1])])[0];
    return [transpose(scatterNd(zeros, places, updates, 'add'), back)];
  },
};

/** Entries of x along `axis` at int64 `indices` (negative ones count from the end). */
export function gather(x: Value, indices: Value, axis = 0): Value {
  return x.graph.add(Gather, [x, indices], { axis })[0];
}
