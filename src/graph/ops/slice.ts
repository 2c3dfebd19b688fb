import { int64 } from '../../core/tensor.ts';
import type { Dim, Node, OpDefinition, Value } from '../graph.ts';
import { normalizeAxis, staticDim, vectorLike } from '../shapes.ts';
import { onlyGradient, scalarLike } from './elementwise.ts';
import { expandLike } from './expand.ts';
import { mul } from './mul.ts';
import { pad } from './pad.ts';
import { scatterElements } from './scatter-elements.ts';

interface Range {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
  readonly size: number;
}

/** The cut along each named axis, clamped as ONNX says. */
function rangesOf(node: Node): Range[] {
  const x = node.input(0);
  const starts = node.constantInts(1) ?? node.ints('starts') ?? [];
  const ends = node.constantInts(2) ?? node.ints('ends') ?? [];
  const axes = node.constantInts(3) ?? node.ints('axes') ?? starts.map((_, i) => i);
  const steps = node.constantInts(4) ?? starts.map(() => 1);
  return starts.map((from, i) => {
    const axis = normalizeAxis(axes[i], x.rank);
    const size = staticDim(x.shape[axis], `dimension ${axis} of a sliced value`);
    const step = steps[i];
    if (step === 0) throw new Error('a step is 0');
    const bound = (at: number, low: number, high: number) => Math.min(Math.max(at < 0 ? at + size : at, low), high);
    const start = step > 0 ? bound(from, 0, size) : bound(from, 0, size - 1);
    const end = step > 0 ? bound(ends[i], 0, size) : bound(ends[i], -1, size - 1);
    return { axis, start, step, count: Math.max(0, Math.ceil((end - start) / step)), size };
  });
}

export const Slice: OpDefinition = {
  type: 'Slice',
  infer(node) {
    const x = node.input(0);
    const shape: Dim[] = [...x.shape];
    for (const { axis, count } of rangesOf(node)) shape[axis] = count;
    return [{ dtype: x.dtype, shape }];
  },
  gradient(node, dys) {
    let dy = onlyGradient(dys, node);
    for (const range of rangesOf(node)) dy = range.step === 1 ? padBack(dy, range) : scatterBack(dy, range);
    return [dy];
  },
};

function padBack(dy: Value, { axis, start, count, size }: Range): Value {
  const before = dy.shape.map((_, i) => (i === axis ? start : 0));
  const after = dy.shape.map((_, i) => (i === axis ? size - start - count : 0));
  return pad(dy, before, after);
}

/** For steps other than 1: rows go back to where they were read. */
function scatterBack(dy: Value, { axis, start, step, count, size }: Range): Value {
  const line = int64(
    dy.shape.map((_, i) => (i === axis ? count : 1)),
    Array.from({ length: count }, (_, i) => start + i * step),
  );
  const zeros = padBack(mul(dy, scalarLike(dy, 0)), { axis, start: 0, step: 1, count, size });
  return scatterElements(zeros, expandLike(dy.graph.constant(line), dy), dy, axis, 'add');
}

/** x from `starts` to `ends` (excluded) along `axes`, by `steps` (default 1; may be negative). */
export function slice(
  x: Value,
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[],
  steps?: readonly number[],
): Value {
  const vectors = [starts, ends, axes, ...(steps ? [steps] : [])].map((values) => vectorLike(x, values));
  return x.graph.add(Slice, [x, ...vectors])[0];
}
