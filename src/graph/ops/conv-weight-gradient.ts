// The gradient of a convolution's weights as slices and one matrix product.
import type { Value } from '../graph.ts';
import { staticDim, staticShape } from '../shapes.ts';
import { concat } from './concat.ts';
import { gemm } from './gemm.ts';
import { matMul } from './mat-mul.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';
import { slice } from './slice.ts';
import { transpose } from './transpose.ts';
import type { Windows } from './windows.ts';

/**
 * dw [O, I, kh, kw] from x [N, I·group, H, W] and dy [N, O, OH, OW]: for each kernel offset the pixels it met are sliced
 * from the padded input, and all offsets meet dy in one product over N·OH·OW.
 */
export function convWeightGradient(x: Value, w: Value, dy: Value, windows: Windows, group: number): Value {
  const [outputs, inputs, kh, kw] = staticShape(w.shape, 'the shape of a convolution weight');
  const taps = kh * kw * inputs;
  const { strides, dilations, pads } = windows;
  const rows = staticDim(dy.shape[2], 'the height of a convolution');
  const columns = staticDim(dy.shape[3], 'the width of a convolution');
  const channelsFirst = transpose(pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]), [1, 0, 2, 3]);
  const met: Value[] = [];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const [top, left] = [i * dilations[0], j * dilations[1]];
      const bottom = top + (rows - 1) * strides[0] + 1;
      const right = left + (columns - 1) * strides[1] + 1;
      const seen = slice(channelsFirst, [top, left], [bottom, right], [2, 3], [strides[0], strides[1]]);
      met.push(reshape(seen, [group, 1, inputs, -1]));
    }
  }
  const patches = reshape(met.length === 1 ? met[0] : concat(met, 1), [group, taps, -1]);
  const outward = reshape(transpose(dy, [1, 0, 2, 3]), [group, outputs / group, -1]);
  if (group === 1 && taps >= outputs) {
    // The longer side first: ONNX Runtime then shares the product out by rows, and sums do not depend on its threads.
    const product = gemm(reshape(patches, [taps, -1]), reshape(outward, [outputs, -1]), undefined, { transB: true });
    return reshape(transpose(reshape(product, [kh * kw, inputs, outputs]), [2, 1, 0]), [outputs, inputs, kh, kw]);
  }
  const product =
    group === 1
      ? gemm(reshape(outward, [outputs, -1]), reshape(patches, [taps, -1]), undefined, { transB: true })
      : matMul(outward, transpose(patches, [0, 2, 1]));
  return reshape(transpose(reshape(product, [outputs, kh * kw, inputs]), [0, 2, 1]), [outputs, inputs, kh, kw]);
}
