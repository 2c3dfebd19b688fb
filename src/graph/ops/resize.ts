import { float32 } from '../../core/tensor.ts';
import type { Dim, Node, OpDefinition, Value } from '../graph.ts';
import { normalizeAxis, staticDim } from '../shapes.ts';
import { onlyGradient } from './elementwise.ts';
import { matMul } from './mat-mul.ts';
import { type Coordinates, type Interpolation, interpolationMatrix, transposed } from './resize-matrix.ts';

export const Resize: OpDefinition = {
  type: 'Resize',
  infer(node) {
    const x = node.input(0);
    const sizes = node.constantInts(3);
    const scales = node.inputs[2]?.constant?.data as Float32Array | undefined;
    if (!sizes && !scales) throw new Error('needs constant sizes or scales');
    const axes = node.ints('axes') ?? x.shape.map((_, axis) => axis);
    const shape: Dim[] = [...x.shape];
    axes.forEach((given, i) => {
      const axis = normalizeAxis(given, x.rank);
      if (sizes) shape[axis] = sizes[i];
      else if (scales && scales[i] !== 1) {
        // In float32, as ONNX Runtime multiplies.
        shape[axis] = Math.floor(Math.fround(staticDim(x.shape[axis], 'a resized dimension') * scales[i]));
      }
    });
    return [{ dtype: x.dtype, shape }];
  },
  /** Resizing is linear and separable: the backward pass multiplies by the transposed interpolation matrices. */
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const x = node.input(0);
    if (x.rank !== 4 || dy.shape[0] !== x.shape[0] || dy.shape[1] !== x.shape[1]) {
      throw new Error(`no gradient through Resize of [${x.shape}] to [${dy.shape}]: only height and width may change`);
    }
    const mode = known(node, 'mode', 'nearest', INTERPOLATIONS);
    const coordinates = known(node, 'coordinate_transformation_mode', 'half_pixel', COORDINATES);
    const rounding = known(node, 'nearest_mode', 'round_prefer_floor', ROUNDINGS);
    if (node.int('antialias', 0) !== 0) throw new Error(`no gradient through Resize "${node.name}" with antialiasing`);
    const matrix = (axis: number) => {
      const from = staticDim(x.shape[axis], 'a resized dimension');
      const to = staticDim(dy.shape[axis], 'a resized dimension');
      const data = interpolationMatrix(from, to, mode, coordinates, rounding, scaleOf(node, axis, from, to));
      return { from, to, data };
    };
    const [h, w] = [matrix(2), matrix(3)];
    const left = x.graph.constant(float32([h.from, h.to], transposed(h.data, h.to, h.from)));
    const right = x.graph.constant(float32([w.to, w.from], w.data));
    return [matMul(matMul(left, dy), right)];
  },
};

const INTERPOLATIONS: readonly Interpolation[] = ['linear', 'nearest'];
const COORDINATES: readonly Coordinates[] = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];
const ROUNDINGS: readonly ('floor' | 'round_prefer_floor')[] = ['floor', 'round_prefer_floor'];

/** A string attribute that must be one of those the backward pass knows. */
function known<T extends string>(node: Node, attribute: string, fallback: string, choices: readonly T[]): T {
  const value = node.string(attribute, fallback);
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new Error(`no gradient through Resize "${node.name}" with ${attribute} "${value}"`);
  return found;
}

/** The float32 factor by which the engine resizes an axis. */
function scaleOf(node: Node, axis: number, from: number, to: number): number {
  const scales = node.inputs[3] ? undefined : node.inputs[2]?.constant?.data;
  const axes = node.ints('axes')?.map((given) => normalizeAxis(given, node.input(0).rank));
  const at = axes ? axes.indexOf(axis) : axis;
  return scales && at >= 0 ? Number(scales[at]) : Math.fround(to / from);
}

export interface ResizeOptions {
  /** Default `linear`. */
  readonly mode?: Interpolation;
  /** Default `half_pixel` for linear, `asymmetric` for nearest: PyTorch's `bilinear` and `nearest`. */
  readonly coordinates?: Coordinates;
}

/**
 * x [N, C, H, W] resized to `height` × `width` without antialiasing, as one ONNX Resize. Where `nearest` falls exactly between
 * two pixels, the engine's float32 arithmetic decides; `resample` is exact.
 */
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

/**
 * The smallest float32 scale whose product with `from` is at least `to`: rounded down it is `to`, in float64 as ONNX checks
 * graphs and in float32 as ONNX Runtime runs them.
 */
export function scaleFor(from: number, to: number): number {
  const scale = Math.fround(to / from);
  return from * scale >= to ? scale : Math.fround(scale * (1 + 2 ** -23));
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
