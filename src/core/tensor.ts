// Dense host tensors in row-major order: what weights, graph constants and session inputs are made of.

export interface TensorData {
  float32: Float32Array;
  float64: Float64Array;
  int64: BigInt64Array;
  int32: Int32Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}
export type DType = keyof TensorData;

/** A dense tensor; `data.length` is the product of `shape` (1 for a scalar, whose shape is `[]`). */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: TensorData[D];
  /** Where the same numbers lie in a file, for tensors that were read from one. */
  readonly place?: FilePlace;
}

/** Bytes of a file, in little-endian order. */
export interface FilePlace {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/**
 * A tensor after checking that data and shape agree.
 * @throws RangeError when the number of elements differs.
 */
export function tensor<D extends DType>(dtype: D, shape: readonly number[], data: TensorData[D]): Tensor<D> {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(`tensor: shape [${shape}] needs ${sizeOf(shape)} elements, got ${data.length}`);
  }
  return { dtype, shape, data };
}

/** A float32 tensor from numbers. */
export function float32(shape: readonly number[], values: ArrayLike<number>): Tensor<'float32'> {
  return tensor('float32', shape, Float32Array.from(values));
}

/** A float32 tensor with one value throughout. */
export function filled(shape: readonly number[], value: number): Tensor<'float32'> {
  return tensor('float32', shape, new Float32Array(sizeOf(shape)).fill(value));
}

/** An int64 tensor from whole numbers. */
export function int64(shape: readonly number[], values: readonly number[]): Tensor<'int64'> {
  return tensor('int64', shape, BigInt64Array.from(values, BigInt));
}
