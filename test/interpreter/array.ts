// Dense float64 arrays of the reference interpreter. Integers and booleans are kept as whole numbers and 0/1.
import type { Node } from '../../src/graph/graph.ts';

/** Row-major array; `data.length` is the product of `shape`. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Computes the outputs of one node from its inputs (undefined where an optional input is absent). */
export type Kernel = (inputs: readonly (NdArray | undefined)[], node: Node) => NdArray[];

export function countOf(shape: readonly number[]): number {
  let count = 1;
  for (const dim of shape) count *= dim;
  return count;
}

/** A zero-filled array. */
export function zeros(shape: readonly number[]): NdArray {
  return { shape: [...shape], data: new Float64Array(countOf(shape)) };
}

/** An array whose elements are computed from their index. */
export function build(shape: readonly number[], element: (index: readonly number[]) => number): NdArray {
  const result = zeros(shape);
  eachIndex(shape, (index, flat) => {
    result.data[flat] = element(index);
  });
  return result;
}

/** Visits all indices in row-major order. The index array is reused between visits. */
export function eachIndex(shape: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const index = shape.map(() => 0);
  const count = countOf(shape);
  for (let flat = 0; flat < count; flat++) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]++;
      if (index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/** Position of an index in row-major order. */
export function flatIndex(shape: readonly number[], index: readonly number[]): number {
  let flat = 0;
  for (let axis = 0; axis < shape.length; axis++) flat = flat * shape[axis] + index[axis];
  return flat;
}

/** The element at an index. */
export function at(array: NdArray, index: readonly number[]): number {
  return array.data[flatIndex(array.shape, index)];
}

/** The element that an index of a larger, broadcast shape refers to. */
export function broadcastAt(array: NdArray, index: readonly number[]): number {
  const lead = index.length - array.shape.length;
  let flat = 0;
  for (let axis = 0; axis < array.shape.length; axis++) {
    flat = flat * array.shape[axis] + (array.shape[axis] === 1 ? 0 : index[lead + axis]);
  }
  return array.data[flat];
}

/** numpy's broadcasting of shapes. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    shape.forEach((dim, i) => {
      const axis = rank - shape.length + i;
      if (dim === 1) return;
      if (result[axis] !== 1 && result[axis] !== dim) throw new Error(`[${shapes.join('] and [')}] do not broadcast`);
      result[axis] = dim;
    });
  }
  return result;
}

/** An input that must be there. */
export function need(array: NdArray | undefined): NdArray {
  if (!array) throw new Error('an input is missing');
  return array;
}

/** The numbers of an optional whole-number input. */
export function numbers(array: NdArray | undefined): number[] | undefined {
  return array && Array.from(array.data);
}

/** A possibly negative axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** `values` with entry `axis` replaced. */
export function replaced(values: readonly number[], axis: number, value: number): number[] {
  return values.map((old, i) => (i === axis ? value : old));
}
