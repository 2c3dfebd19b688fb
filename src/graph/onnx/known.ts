// Whole numbers and shapes that are known while a graph is built: the computations on shapes in imported models are done here.
import type { DType, Tensor } from '../../core/tensor.ts';
import type { Dim, Shape } from '../graph.ts';
import { dimOf, normalizeAxis, productOf } from '../shapes.ts';

/** A scalar (`shape` []) or vector of dimensions; a dimension may be symbolic, such as the batch `N`. */
export interface Known {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly dims: readonly Dim[];
}

/** Longest vector that is computed with. */
const MAX_LENGTH = 1024;

export const knownVector = (dims: readonly Dim[], dtype: DType = 'int64'): Known => ({
  dtype,
  shape: [dims.length],
  dims,
});

/** A small whole-number tensor of rank 0 or 1 as what is known. */
export function knownOf(content: Tensor | undefined): Known | undefined {
  if (!content || content.shape.length > 1 || content.data.length > MAX_LENGTH) return undefined;
  if (content.dtype === 'float32' || content.dtype === 'float64') return undefined;
  const dims = Array.from(content.data as ArrayLike<number | bigint>, heldToSafe);
  return { dtype: content.dtype, shape: content.shape, dims };
}

/** Numbers beyond 2⁵³, such as the 2⁶³−1 that stands for "to the end", are held to it. */
export function heldToSafe(value: number | bigint): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
}

/** Static numbers, or undefined when one is symbolic. */
export function numbersOf(known: Known): number[] | undefined {
  return known.dims.every((dim) => typeof dim === 'number') ? (known.dims as number[]) : undefined;
}

type Binary = (a: Dim, b: Dim) => Dim | undefined;

const BINARY: Readonly<Record<string, Binary>> = {
  Add: (a, b) => (a === 0 ? b : b === 0 ? a : typeof a === 'number' && typeof b === 'number' ? a + b : undefined),
  Sub: (a, b) => (b === 0 ? a : typeof a === 'number' && typeof b === 'number' ? a - b : undefined),
  Mul: (a, b) => (typeof a === 'number' && typeof b === 'number' ? a * b : a === 0 || b === 0 ? 0 : product(a, b)),
  Div: (a, b) => (typeof a === 'number' && typeof b === 'number' ? quotient(a, b) : symbolicQuotient(a, b)),
  Equal: (a, b) => (a === b ? 1 : 0),
  Max: (a, b) => (typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : undefined),
  Min: (a, b) => (typeof a === 'number' && typeof b === 'number' ? Math.min(a, b) : undefined),
};

function product(a: Dim, b: Dim): Dim | undefined {
  // A symbolic dimension times a negative number is no dimension.
  return Number(a) < 0 || Number(b) < 0 ? undefined : dimOf(productOf([a, b]));
}

const quotient = (a: number, b: number): number | undefined => (b === 0 ? undefined : Math.trunc(a / b));

function symbolicQuotient(a: Dim, b: Dim): Dim | undefined {
  const [whole, part] = [productOf([a]), productOf([b])];
  const names = [...whole.names];
  for (const name of part.names) {
    const at = names.indexOf(name);
    if (at < 0) return undefined;
    names.splice(at, 1);
  }
  return part.size > 0 && whole.size % part.size === 0 ? dimOf({ size: whole.size / part.size, names }) : undefined;
}

/** a and b element by element, a scalar or single element standing for all. Undefined when that is not known. */
export function binaryKnown(op: string, a: Known, b: Known): Known | undefined {
  const compute = BINARY[op];
  const length = Math.max(a.dims.length, b.dims.length);
  if (!compute || [a, b].some(({ dims }) => dims.length !== length && dims.length !== 1)) return undefined;
  const dims: Dim[] = [];
  for (let i = 0; i < length; i++) {
    const result = compute(a.dims[a.dims.length === 1 ? 0 : i], b.dims[b.dims.length === 1 ? 0 : i]);
    if (result === undefined) return undefined;
    dims.push(result);
  }
  const shape = a.shape.length + b.shape.length === 0 ? [] : [length];
  return { dtype: op === 'Equal' ? 'bool' : a.dtype, shape, dims };
}

/** Elements at `indices` of a vector. */
export function gatherKnown(x: Known, indices: Known): Known | undefined {
  const at = numbersOf(indices);
  if (!at || x.shape.length !== 1) return undefined;
  const dims = at.map((i) => x.dims[i < 0 ? i + x.dims.length : i]);
  return dims.every((dim) => dim !== undefined) ? { dtype: x.dtype, shape: indices.shape, dims } : undefined;
}

/** ONNX's Slice of a vector. */
export function sliceKnown(x: Known, start: number, end: number, step: number): Known | undefined {
  if (x.shape.length !== 1 || step === 0) return undefined;
  const length = x.dims.length;
  const bound = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + length : i, low), high);
  const dims: Dim[] = [];
  if (step > 0) for (let i = bound(start, 0, length); i < bound(end, 0, length); i += step) dims.push(x.dims[i]);
  else for (let i = bound(start, 0, length - 1); i > bound(end, -1, length - 1); i += step) dims.push(x.dims[i]);
  return knownVector(dims, x.dtype);
}

/** Where(condition, a, b). */
export function whereKnown(condition: Known, a: Known, b: Known): Known | undefined {
  const length = Math.max(condition.dims.length, a.dims.length, b.dims.length);
  const pick = ({ dims }: Known, i: number) => dims[dims.length === 1 ? 0 : i];
  if ([condition, a, b].some(({ dims }) => dims.length !== length && dims.length !== 1)) return undefined;
  return knownVector(
    Array.from({ length }, (_, i) => (pick(condition, i) === 1 ? pick(a, i) : pick(b, i))),
    a.dtype,
  );
}

/**
 * What ONNX Reshape is to be told so that x [N, …] takes the shape `wanted`: symbolic dimensions become 0 (copy) or −1.
 * In files that were made for a batch of `fixedBatch` images, that number stands for the batch.
 * @throws Error when more than one dimension would have to be −1.
 */
export function reshapeNumbers(x: Shape, wanted: readonly Dim[], fixedBatch: number | undefined): number[] {
  const target = wanted.map((dim, i) => (typeof dim === 'number' ? dim : dim === x[i] ? 0 : -1));
  const batch = x[0];
  const symbolic = target.some((dim, i) => dim === -1 || (dim === 0 && typeof x[i] === 'string'));
  if (fixedBatch !== undefined && typeof batch === 'string' && target.length > 0) {
    const open = target.indexOf(-1);
    const rest = (shape: readonly Dim[]) => productOf(shape).size;
    if (open < 0 && !symbolic) {
      target[0] = target[0] === fixedBatch && rest(target.slice(1)) === rest(x.slice(1)) && isName(batch) ? 0 : -1;
    } else if (open > 0 && target[0] === fixedBatch && isName(batch)) {
      target[0] = 0;
    }
  }
  if (target.filter((dim) => dim === -1).length > 1) throw new Error(`cannot reshape [${x}] to [${wanted}]`);
  return target;
}

/** Whether a dimension is one name, not a product. */
const isName = (dim: string): boolean => !dim.includes('*');

/** The target of Unsqueeze, Squeeze or Reshape among scalars and vectors; undefined for others. */
export function relaidKnown(x: Known, rank: number): Known | undefined {
  if (rank > 1 || (rank === 0 && x.dims.length !== 1)) return undefined;
  return { ...x, shape: rank === 0 ? [] : [x.dims.length] };
}

/** Axes counted from the front. @throws RangeError for those outside the rank. */
export const frontAxes = (axes: readonly number[], rank: number): number[] =>
  axes.map((axis) => normalizeAxis(axis, rank));
