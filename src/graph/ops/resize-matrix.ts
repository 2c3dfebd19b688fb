// ONNX's interpolation of one axis as a matrix. How preprocessing resizes is in resize-taps.ts.

export type Interpolation = 'linear' | 'nearest';
/** Where output pixel i samples the input: ONNX's coordinate_transformation_mode. */
export type Coordinates = 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';

/** Where output pixel i lies among the input pixels, whose centres are at whole numbers. */
export function sourcePosition(i: number, from: number, to: number, coordinates: Coordinates): number {
  if (coordinates === 'align_corners') return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
  if (coordinates === 'asymmetric') return (i * from) / to;
  if (coordinates === 'pytorch_half_pixel' && to === 1) return 0;
  return ((i + 0.5) * from) / to - 0.5;
}

/** The same as ONNX Runtime computes it, from a float32 scale in float32: it decides which pixel `nearest` picks. */
function enginePosition(i: number, from: number, to: number, coordinates: Coordinates, scale: number): number {
  if (coordinates === 'align_corners') return sourcePosition(i, from, to, coordinates);
  if (coordinates === 'asymmetric') return Math.fround(i / scale);
  if (coordinates === 'pytorch_half_pixel' && to === 1) return 0;
  return Math.fround(Math.fround((i + 0.5) / scale) - 0.5);
}

/**
 * The matrix [to, from], row-major, whose row i holds the weights of the input pixels in output pixel i.
 * Without antialiasing, as ONNX Resize and PyTorch's `interpolate` define it. With `engineScale`, the float32 factor of an
 * ONNX Resize (which need not be to/from), positions are those of ONNX Runtime to the last bit.
 */
export function interpolationMatrix(
  from: number,
  to: number,
  mode: Interpolation,
  coordinates: Coordinates,
  rounding: 'floor' | 'round_prefer_floor' = 'floor',
  engineScale?: number,
): Float64Array {
  const matrix = new Float64Array(to * from);
  const clamp = (at: number) => Math.min(Math.max(at, 0), from - 1);
  for (let i = 0; i < to; i++) {
    const position =
      engineScale === undefined
        ? sourcePosition(i, from, to, coordinates)
        : enginePosition(i, from, to, coordinates, engineScale);
    if (mode === 'nearest') {
      const at = rounding === 'floor' ? Math.floor(position) : Math.ceil(position - 0.5);
      matrix[i * from + clamp(at)] = 1;
      continue;
    }
    const low = Math.floor(clamp(position));
    const share = clamp(position) - low;
    matrix[i * from + low] += 1 - share;
    matrix[i * from + clamp(low + 1)] += share;
  }
  return matrix;
}

/** A row-major [rows, columns] matrix as [columns, rows]. */
export function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j];
  return result;
}
