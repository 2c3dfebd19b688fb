import { tensor } from '../../core/tensor.ts';
import type { Dim, OpDefinition, Value } from '../graph.ts';
import { staticDim, vectorLike } from '../shapes.ts';
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
    const turned = new Float32Array(h.data.length);
    for (let i = 0; i < h.to; i++) for (let j = 0; j < h.from; j++) turned[j * h.to + i] = h.data[i * h.from + j];
    const left = x.graph.constant(tensor('float32', [h.from, h.to], turned));
    const right = x.graph.constant(tensor('float32', [w.to, w.from], Float32Array.from(w.data)));
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
  return x.graph.add(Resize, [x, undefined, undefined, vectorLike(x, [height, width])], {
    mode,
    coordinate_transformation_mode: options.coordinates ?? (mode === 'linear' ? 'half_pixel' : 'asymmetric'),
    nearest_mode: 'floor',
    axes: [2, 3],
  })[0];
}
