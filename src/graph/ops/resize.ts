import { float32 } from '../../core/tensor.ts';
import type { Dim, OpDefinition, Value } from '../graph.ts';
import { staticDim } from '../shapes.ts';
import { onlyGradient } from './elementwise.ts';
import { matMul } from './mat-mul.ts';
import { type Coordinates, type Interpolation, interpolationMatrix } from './resize-matrix.ts';

export const Resize: OpDefinition = {
  type: 'Resize',
  infer(node) {
    const x = node.input(0);
    const sizes = node.constantInts(3);
    const scales = node.inputs[2]?.constant?.data as Float32Array | undefined;
    if (!sizes && !scales) throw new Error('needs constant sizes or scales');
    const axes = node.ints('axes') ?? x.shape.map((_, axis) => axis);
    const shape: Dim[] = [...x.shape];
    axes.forEach((axis, i) => {
      if (sizes) shape[axis] = sizes[i];
      else if (scales && scales[i] !== 1) {
        shape[axis] = Math.floor(staticDim(x.shape[axis], 'a resized dimension') * scales[i]);
      }
    });
    return [{ dtype: x.dtype, shape }];
  },
  /** Resizing is linear and separable: the backward pass multiplies by the transposed interpolation matrices. */
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const x = node.input(0);
    const mode = node.string('mode', 'nearest') as Interpolation;
    const coordinates = node.string('coordinate_transformation_mode', 'half_pixel') as Coordinates;
    const rounding = node.string('nearest_mode', 'round_prefer_floor');
    if (rounding !== 'round_prefer_floor' && rounding !== 'floor')
      throw new Error(`nearest_mode "${rounding}" has no gradient`);
    const matrix = (axis: number) => {
      const from = staticDim(x.shape[axis], 'a resized dimension');
      const to = staticDim(dy.shape[axis], 'a resized dimension');
      return { from, to, data: interpolationMatrix(from, to, mode, coordinates, rounding) };
    };
    const [h, w] = [matrix(2), matrix(3)];
    const left = x.graph.constant(float32([h.from, h.to], transposed(h.data, h.to, h.from)));
    const right = x.graph.constant(float32([w.to, w.from], w.data));
    return [matMul(matMul(left, dy), right)];
  },
};

export interface ResizeOptions {
  /** Default `linear`. */
  readonly mode?: Interpolation;
  /** Default `half_pixel` for linear, `asymmetric` for nearest: PyTorch's `bilinear` and `nearest`. */
  readonly coordinates?: Coordinates;
}

/** x [N, C, H, W] resized to `height` × `width` without antialiasing. */
export function resize(x: Value, height: number, width: number, options: ResizeOptions = {}): Value {
  const mode = options.mode ?? 'linear';
  // Scales, not sizes with `axes`: ONNX Runtime 1.30 forgets `axes` when it moves a Transpose across a Resize.
  const scales = [2, 3].map((axis, i) => scaleFor(staticDim(x.shape[axis], 'a resized dimension'), [height, width][i]));
  const attributes = {
    mode,
    coordinate_transformation_mode: options.coordinates ?? (mode === 'linear' ? 'half_pixel' : 'asymmetric'),
    nearest_mode: 'floor',
  };
  return x.graph.add(Resize, [x, undefined, x.graph.constant(float32([4], [1, 1, ...scales]))], attributes)[0];
}

/** The float32 scale by which ONNX gets from one size to the other exactly, rounding down. */
function scaleFor(from: number, to: number): number {
  const scale = Math.fround(to / from);
  return Math.floor(Math.fround(from * scale)) === to ? scale : Math.fround(scale * (1 + 2 ** -23));
}

/**
 * The same as a product with interpolation matrices: differentiable, the same on every engine, and exact to rounding.
 * What preprocessing uses.
 */
export function resample(x: Value, height: number, width: number, options: ResizeOptions = {}): Value {
  const mode = options.mode ?? 'linear';
  const coordinates = options.coordinates ?? (mode === 'linear' ? 'half_pixel' : 'asymmetric');
  const [h, w] = [2, 3].map((axis) => staticDim(x.shape[axis], 'a resized dimension'));
  const left = float32([height, h], interpolationMatrix(h, height, mode, coordinates));
  const right = float32([w, width], transposed(interpolationMatrix(w, width, mode, coordinates), width, w));
  return matMul(matMul(x.graph.constant(left), x), x.graph.constant(right));
}

/** A [rows, columns] matrix as [columns, rows]. */
function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j];
  return result;
}
