// What a random test case of an op is, and how it becomes a graph with inputs.
import fc from 'fast-check';
import { Rng } from '../../../src/core/rng.ts';
import { type Dim, Graph, type Shape, type Value } from '../../../src/graph/graph.ts';
import { countOf, type NdArray } from '../array.ts';
import { toTensor } from '../engine.ts';

/** How an input is filled. `distinct` values differ from each other, also across inputs, by 0.01 or more. */
export type Filling =
  | { readonly kind: 'range'; readonly low: number; readonly high: number; readonly avoid?: readonly number[] }
  | { readonly kind: 'distinct' }
  | { readonly kind: 'whole'; readonly low: number; readonly high: number };

export interface CaseInput {
  /** May contain the symbolic dimension 'N'. */
  readonly shape: Shape;
  readonly fill: Filling;
  /** Default float32. */
  readonly dtype?: 'float32' | 'int64' | 'bool' | 'uint8';
  /** Whether the gradient to it is tested. */
  readonly wrt?: boolean;
  /** A constant of the graph instead of an input. */
  readonly constant?: boolean;
}

/** One use of an op (or composite): inputs and the emission of its outputs. */
export interface OpCase {
  readonly label: string;
  /** The size that 'N' stands for. */
  readonly batch: number;
  readonly inputs: readonly CaseInput[];
  readonly emit: (inputs: readonly Value[]) => Value | readonly Value[];
}

export interface CaseFamily {
  readonly name: string;
  readonly cases: fc.Arbitrary<OpCase>;
}

export interface PreparedCase {
  readonly graph: Graph;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly feeds: Record<string, NdArray>;
  readonly batch: number;
}

export const anything: Filling = { kind: 'range', low: -2, high: 2 };
export const positive: Filling = { kind: 'range', low: 0.4, high: 2 };
export const distinct: Filling = { kind: 'distinct' };
export const awayFrom = (...avoid: number[]): Filling => ({ kind: 'range', low: -2, high: 2, avoid });
export const whole = (low: number, high: number): Filling => ({ kind: 'whole', low, high });

/** A differentiable float32 input. */
export function x(shape: Shape, fill: Filling = anything): CaseInput {
  return { shape, fill, wrt: true };
}

export const smallDim: fc.Arbitrary<number> = fc.integer({ min: 1, max: 4 });
export const batchSize: fc.Arbitrary<number> = fc.integer({ min: 1, max: 3 });

/** Shapes with 'N' in front: rank 1 to `maxRank`. */
export function batchShape(maxRank = 4, minRank = 1): fc.Arbitrary<Dim[]> {
  return fc.array(smallDim, { minLength: minRank - 1, maxLength: maxRank - 1 }).map((rest) => ['N', ...rest]);
}

/** Builds the graph of a case. With `symbolic` the batch stays 'N'; otherwise its size is in the shapes. */
export function prepare(opCase: OpCase, seed: number, symbolic: boolean): PreparedCase {
  const graph = new Graph('case');
  const feeds: Record<string, NdArray> = {};
  const inputs = opCase.inputs.map((input, i) => {
    const shape = input.shape.map((dim) => (dim === 'N' ? opCase.batch : Number(dim)));
    const array = { shape, data: filled(input.fill, countOf(shape), Rng.of(seed, i), i) };
    const dtype = input.dtype ?? 'float32';
    if (input.constant) return graph.constant(toTensor(array, dtype), `in${i}`);
    feeds[`in${i}`] = array;
    return graph.input(`in${i}`, dtype, symbolic ? input.shape : shape);
  });
  const emitted = opCase.emit(inputs);
  return { graph, inputs, outputs: Array.isArray(emitted) ? emitted : [emitted], feeds, batch: opCase.batch };
}

/** Values are float32 numbers, so that engine and interpreter start from the same ones. */
export function filled(fill: Filling, count: number, rng: Rng, input: number): Float64Array {
  if (fill.kind === 'whole') return Float64Array.from({ length: count }, () => rng.int(fill.low, fill.high));
  if (fill.kind === 'distinct') {
    const spread = (place: number) => Math.fround((place - count / 2) * 0.05 + 0.012 * input + 0.006);
    return Float64Array.from(rng.permutation(count), spread);
  }
  const draw = (): number => {
    const value = fill.low + (fill.high - fill.low) * rng.uniform();
    return fill.avoid?.some((kink) => Math.abs(value - kink) < 0.02) ? draw() : Math.fround(value);
  };
  return Float64Array.from({ length: count }, draw);
}

export const flag: fc.Arbitrary<boolean> = fc.boolean();
