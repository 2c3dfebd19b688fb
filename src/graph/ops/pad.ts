import type { Dim, OpDefinition, Value } from '../graph.ts';
import { vectorLike } from '../shapes.ts';
import { onlyGradient, scalarLike } from './elementwise.ts';

export const Pad: OpDefinition = {
  type: 'Pad',
  infer(node) {
    const x = node.input(0);
    const pads = node.constantInts(1) ?? node.ints('pads') ?? [];
    if (pads.length !== 2 * x.rank) throw new Error(`${pads.length} pads for a rank-${x.rank} value`);
    const shape = x.shape.map((dim, axis): Dim => {
      const extra = pads[axis] + pads[axis + x.rank];
      if (extra === 0) return dim;
      if (typeof dim !== 'number') return node.graph.freshDim();
      if (dim + extra < 0) throw new Error(`padding of ${extra} leaves nothing of dimension ${axis} (${dim})`);
      return dim + extra;
    });
    return [{ dtype: x.dtype, shape }];
  },
  gradient(node, dys) {
    const mode = node.string('mode', 'constant');
    if (mode !== 'constant') throw new Error(`no gradient through Pad with mode "${mode}"`);
    const pads = node.constantInts(1) ?? node.ints('pads') ?? [];
    const rank = pads.length / 2;
    const negative = pads.map((pad) => (pad === 0 ? 0 : -pad));
    return [pad(onlyGradient(dys, node), negative.slice(0, rank), negative.slice(rank))];
  },
};

/** x with `before[i]`, `after[i]` elements of `value` added along axis i; negative numbers crop. */
export function pad(x: Value, before: readonly number[], after: readonly number[], value = 0): Value {
  if ([...before, ...after].every((count) => count === 0)) return x;
  return x.graph.add(Pad, [x, vectorLike(x, [...before, ...after]), scalarLike(x, value)])[0];
}
