import type { OpDefinition, Value } from '../graph.ts';
import { normalizeAxis, staticDim, vectorLike } from '../shapes.ts';
import { concat } from './concat.ts';
import { fullLike } from './constant-of-shape.ts';

export const Split: OpDefinition = {
  type: 'Split',
  infer(node) {
    const x = node.input(0);
    const axis = normalizeAxis(node.int('axis', 0), x.rank);
    const total = staticDim(x.shape[axis], 'the dimension to split');
    const sizes = node.constantInts(1) ?? node.ints('split') ?? evenSizes(total, node.int('num_outputs', 2));
    if (sizes.reduce((sum, size) => sum + size, 0) !== total)
      throw new Error(`sizes [${sizes}] do not add up to ${total}`);
    return sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.map((dim, i) => (i === axis ? size : dim)) }));
  },
  gradient(node, dys) {
    const axis = normalizeAxis(node.int('axis', 0), node.input(0).rank);
    const parts = node.outputs.map((output, i) => dys[i] ?? fullLike(output, 0));
    return [concat(parts, axis)];
  },
};

function evenSizes(total: number, parts: number): number[] {
  const size = Math.ceil(total / parts);
  return Array.from({ length: parts }, (_, i) => Math.min(size, total - i * size));
}

/** x cut along `axis` into parts of the given sizes. */
export function split(x: Value, sizes: readonly number[], axis: number): Value[] {
  return x.graph.add(Split, [x, vectorLike(x, sizes)], { axis });
}
