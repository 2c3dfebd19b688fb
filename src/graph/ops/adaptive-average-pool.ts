// PyTorch's adaptive average pool, built of ops that ONNX has.
import { float32 } from '../../core/tensor.ts';
import type { Value } from '../graph.ts';
import { staticDim } from '../shapes.ts';
import { averagePool } from './average-pool.ts';
import { globalAveragePool } from './global-average-pool.ts';
import { matMul } from './mat-mul.ts';
import { transposed } from './resize-matrix.ts';

/**
 * x [N, C, H, W] averaged to [N, C, height, width]: output pixel i covers the input pixels from ⌊i·H/height⌋ to ⌈(i+1)·H/height⌉.
 * Sizes that divide become an ordinary pool; others, also more pixels than there are, a product with averaging matrices.
 */
export function adaptiveAveragePool(x: Value, height: number, width: number): Value {
  const [h, w] = [2, 3].map((axis) => staticDim(x.shape[axis], 'a pooled dimension'));
  if (h === height && w === width) return x;
  if (height === 1 && width === 1) return globalAveragePool(x);
  if (h % height === 0 && w % width === 0) {
    const kernel = [h / height, w / width] as const;
    return averagePool(x, kernel, { strides: kernel });
  }
  const left = x.graph.constant(float32([height, h], averagingMatrix(h, height)));
  const right = x.graph.constant(float32([w, width], transposed(averagingMatrix(w, width), width, w)));
  return matMul(matMul(left, x), right);
}

/** The matrix [to, from], row-major, whose row i averages the input pixels that output pixel i covers. */
function averagingMatrix(from: number, to: number): Float64Array {
  const matrix = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const start = Math.floor((i * from) / to);
    const end = Math.ceil(((i + 1) * from) / to);
    matrix.fill(1 / (end - start), i * from + start, i * from + end);
  }
  return matrix;
}
