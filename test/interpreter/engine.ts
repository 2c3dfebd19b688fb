// Between the interpreter's arrays and the engine's tensors, and the comparison of the two.
import { type DType, type Tensor, tensor } from '../../src/core/tensor.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { encodeModel } from '../../src/graph/onnx/encode.ts';
import { openSession } from '../../src/runtime/node.ts';
import type { NdArray } from './array.ts';

/** An array as a tensor of the engine. */
export function toTensor({ shape, data }: NdArray, dtype: DType): Tensor {
  if (dtype === 'int64') return tensor('int64', shape, BigInt64Array.from(data, BigInt));
  if (dtype === 'float64') return tensor('float64', shape, Float64Array.from(data));
  if (dtype === 'int32') return tensor('int32', shape, Int32Array.from(data));
  if (dtype === 'float32') return tensor('float32', shape, Float32Array.from(data));
  return tensor(dtype, shape, Uint8Array.from(data));
}

/** A tensor of the engine as an array. */
export function toArray({ shape, data }: Tensor): NdArray {
  return { shape, data: Float64Array.from(data as ArrayLike<number | bigint>, Number) };
}

/** Runs a graph once in ONNX Runtime on one thread. */
export async function runInEngine(
  graph: Graph,
  feeds: Readonly<Record<string, NdArray>>,
): Promise<Record<string, Tensor>> {
  const session = await openSession(encodeModel(graph), { threads: 1 });
  try {
    const inputs = graph.inputs.map((input) => [input.name, toTensor(feeds[input.name], input.dtype)]);
    return await session.run(Object.fromEntries(inputs));
  } finally {
    await session.release();
  }
}

/** Largest difference between two arrays, relative to the largest entry of `expected` (at least 1e-3). */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let scale = 1e-3;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]));
    const difference = Math.abs(actual[i] - expected[i]);
    if (!(difference <= worst)) worst = difference;
  }
  return actual.length === expected.length ? worst / scale : Number.NaN;
}

/** ‖actual − expected‖₂ / ‖expected‖₂; the plain norm of the difference where `expected` is zero. */
export function normError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  if (actual.length !== expected.length) return Number.NaN;
  return Math.sqrt(norm === 0 ? difference : difference / norm);
}
