// Rearranging constant tensors while a model is imported, so that `Transpose(weight)` is still a weight.
import { sizeOf, stridesOf, type Tensor } from '../../core/tensor.ts';

/** A tensor with its axes reordered as ONNX Transpose does. */
export function transposeTensor(x: Tensor, order: readonly number[]): Tensor {
  const rank = x.shape.length;
  if (order.length !== rank || new Set(order).size !== rank || order.some((axis) => !(axis >= 0 && axis < rank))) {
    throw new Error(`perm [${order}] does not order the axes of [${x.shape}]`);
  }
  const shape = order.map((axis) => x.shape[axis]);
  const strides = stridesOf(x.shape);
  const steps = order.map((axis) => strides[axis]);
  const data = x.data.slice();
  const index = new Array<number>(rank).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    data[to] = x.data[from];
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < shape[axis]) break;
      from -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { ...x, shape, data };
}

/** A tensor in another shape (0 copies a dimension, one −1 takes what remains). @throws Error when the sizes differ. */
export function reshapeTensor(x: Tensor, target: readonly number[]): Tensor {
  const shape = target.map((dim, i) => (dim === 0 ? (x.shape[i] ?? 0) : dim));
  const hole = shape.indexOf(-1);
  if (hole >= 0) shape[hole] = x.data.length / Math.abs(sizeOf(shape) || 1);
  if (shape.some((dim) => !Number.isInteger(dim) || dim < 0) || sizeOf(shape) !== x.data.length) {
    throw new Error(`cannot reshape [${x.shape}] to [${target}]`);
  }
  return { ...x, shape };
}

/** Elements of a tensor along one axis, in the order of `indices`. */
export function pickTensor(x: Tensor, axis: number, indices: readonly number[]): Tensor {
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  const data = x.data.slice(0, outer * indices.length * inner);
  for (let o = 0; o < outer; o++) {
    indices.forEach((index, i) => {
      const from = (o * x.shape[axis] + index) * inner;
      for (let k = 0; k < inner; k++) data[(o * indices.length + i) * inner + k] = x.data[from + k];
    });
  }
  return { ...x, shape: x.shape.map((dim, at) => (at === axis ? indices.length : dim)), data };
}
