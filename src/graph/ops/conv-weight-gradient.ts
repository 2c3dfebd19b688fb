// The gradient of a convolution's weights as one matrix product.
import type { Value } from '../graph.ts';
import { staticDim, staticShape } from '../shapes.ts';
import { gemm } from './gemm.ts';
import { matMul } from './mat-mul.ts';
import { batchLast, patches } from './patches.ts';
import { reshape } from './reshape.ts';
import { transpose } from './transpose.ts';
import type { Pair, Windows } from './windows.ts';

/**
 * dw [O, I, kh, kw] from x [N, I·group, H, W] and dy [N, O, OH, OW]: what each kernel element met is gathered from the input
 * and meets dy in one product over N·OH·OW.
 */
export function convWeightGradient(x: Value, w: Value, dy: Value, windows: Windows, group: number): Value {
  const [outputs, inputs, kh, kw] = staticShape(w.shape, 'the shape of a convolution weight');
  const taps = inputs * kh * kw;
  const side = (value: Value): Pair => [
    staticDim(value.shape[2], 'the height of a convolution'),
    staticDim(value.shape[3], 'the width of a convolution'),
  ];
  const met = patches(batchLast(x), side(x), side(dy), windows);
  const outward = reshape(batchLast(dy), [group, outputs / group, -1]);
  if (group > 1) {
    const product = matMul(outward, transpose(reshape(met, [group, taps, -1]), [0, 2, 1]));
    return reshape(product, [outputs, inputs, kh, kw]);
  }
  const rows = reshape(outward, [outputs, -1]);
  if (taps < outputs) return reshape(gemm(rows, met, undefined, { transB: true }), [outputs, inputs, kh, kw]);
  // The longer side first: ONNX Runtime then shares the product out by rows, and sums do not depend on its threads.
  // Transposed in three dimensions, because it would turn a product round again that is transposed in two.
  const product = reshape(gemm(met, rows, undefined, { transB: true }), [inputs, kh * kw, outputs]);
  return reshape(transpose(product, [2, 0, 1]), [outputs, inputs, kh, kw]);
}
