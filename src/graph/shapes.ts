// Arithmetic of shapes: broadcasting, axes, reshaping with dimensions that are only known when the graph runs.
import { int64 } from '../core/tensor.ts';
import type { Dim, Graph, Shape, Value } from './graph.ts';

/** An axis in [0, rank), counting negative ones from the end. @throws RangeError when outside. */
export function normalizeAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw new RangeError(`axis ${axis} is outside a rank-${rank} shape`);
  return positive;
}

/** The number of a dimension. @throws Error when it is known only at run time. */
export function staticDim(dim: Dim, what: string): number {
  if (typeof dim !== 'number') throw new Error(`${what} must be known when the graph is built, not "${dim}"`);
  return dim;
}

/** All dimensions as numbers. @throws Error when one is known only at run time. */
export function staticShape(shape: Shape, what: string): number[] {
  return shape.map((dim) => staticDim(dim, what));
}

/** The shape that two shapes broadcast to (numpy's rule). @throws Error when they do not. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new Error(`shapes [${a}] and [${b}] do not broadcast`);
  });
}

/** Axes of `from` that must be summed to undo a broadcast of `to` into `from`. */
export function broadcastAxes(from: Shape, to: Shape): number[] {
  const lead = from.length - to.length;
  return from.flatMap((dim, axis) => (axis < lead || (to[axis - lead] === 1 && dim !== 1) ? [axis] : []));
}

/** The shape as an int64 vector: a constant where it is known, else the ONNX `Shape` of `value`. */
export function reshapeTarget(shape: Shape): number[] | undefined {
  const unknown = shape.filter((dim) => typeof dim === 'string').length;
  if (unknown > 1) return undefined;
  return shape.map((dim) => (typeof dim === 'string' ? -1 : dim));
}

/** Shape after ONNX Reshape to `target` (0 copies a dimension, one -1 takes what remains). @throws Error when the sizes differ. */
export function reshaped(graph: Graph, shape: Shape, target: readonly number[]): Shape {
  const result: Dim[] = target.map((dim, axis) => {
    if (dim !== 0) return dim;
    if (axis >= shape.length) throw new Error(`cannot copy dimension ${axis} of [${shape}]`);
    return shape[axis];
  });
  const hole = result.indexOf(-1);
  const whole = productOf(shape);
  const rest = productOf(result.filter((_, axis) => axis !== hole));
  const names = [...whole.names];
  for (const name of rest.names) {
    const at = names.indexOf(name);
    if (at >= 0) names.splice(at, 1);
    else if (hole >= 0) names.push('?');
  }
  if (hole < 0) {
    if (names.length === 0 && whole.size !== rest.size) throw new Error(`cannot reshape [${shape}] to [${target}]`);
  } else if (rest.size > 0 && whole.size % rest.size === 0 && !names.includes('?')) {
    result[hole] = dimOf({ size: whole.size / rest.size, names });
  } else if (names.length === 0) {
    throw new Error(`cannot reshape [${shape}] to [${target}]`);
  } else {
    result[hole] = graph.freshDim();
  }
  return result;
}

interface Product {
  readonly size: number;
  readonly names: readonly string[];
}

/** The product of dimensions as a number times names. */
export function productOf(shape: Shape): Product {
  let size = 1;
  const names: string[] = [];
  for (const dim of shape) {
    if (typeof dim === 'number') {
      size *= dim;
      continue;
    }
    for (const factor of dim.split('*')) {
      const known = Number(factor);
      if (Number.isInteger(known)) size *= known;
      else names.push(factor);
    }
  }
  return { size, names: names.sort() };
}

/** A product as one dimension: `12`, `N`, `64*N`. */
export function dimOf({ size, names }: Product): Dim {
  if (names.length === 0) return size;
  return [...(size === 1 ? [] : [size]), ...[...names].sort()].join('*');
}

/** An int64 vector constant in the graph of `near`. */
export function vectorLike(near: Value, values: readonly number[]): Value {
  return near.graph.constant(int64([values.length], values));
}
