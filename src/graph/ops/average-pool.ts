import { filled, tensor } from '../../core/tensor.ts';
import type { OpDefinition, Value } from '../graph.ts';
import { staticDim } from '../shapes.ts';
import { convTranspose } from './conv-transpose.ts';
import { onlyGradient } from './elementwise.ts';
import { mul } from './mul.ts';
import { pad } from './pad.ts';
import { reshape, reshapeLike } from './reshape.ts';
import {
  ceilAttributes,
  type Pair,
  type WindowOptions,
  type Windows,
  windowAttributes,
  windowGeometry,
  windowShape,
  windowsOf,
} from './windows.ts';

export const AveragePool: OpDefinition = {
  type: 'AveragePool',
  infer(node) {
    const x = node.input(0);
    const [kh, kw] = node.ints('kernel_shape') ?? [1, 1];
    return [{ dtype: x.dtype, shape: windowShape(x, x.shape[1], windowsOf(node, [kh, kw])) }];
  },
  /** Each window's share goes back to its pixels: a transposed convolution with ones, cropped to the image. */
  gradient(node, dys) {
    const dy = onlyGradient(dys, node);
    const x = node.input(0);
    const [kh, kw] = node.ints('kernel_shape') ?? [1, 1];
    const windows = windowsOf(node, [kh, kw]);
    const size = [2, 3].map((axis) => staticDim(x.shape[axis], 'a spatial dimension of a pool')) as [number, number];
    const out = [2, 3].map((axis) => staticDim(dy.shape[axis], 'a spatial dimension of a pool')) as [number, number];
    const shares = dy.graph.constant(windowShares(windows, size, out, node.int('count_include_pad', 0) === 1));
    const planes = reshape(mul(dy, shares), [-1, 1, out[0], out[1]]);
    const ones = dy.graph.constant(filled([1, 1, kh, kw], 1));
    const spread = convTranspose(planes, ones, { strides: windows.strides, dilations: windows.dilations });
    const reach = [0, 1].map(
      (i) => (out[i] - 1) * windows.strides[i] + (windows.kernel[i] - 1) * windows.dilations[i] + 1,
    );
    const [top, left] = windows.pads;
    const image = pad(spread, [0, 0, -top, -left], [0, 0, size[0] + top - reach[0], size[1] + left - reach[1]]);
    return [reshapeLike(image, x)];
  },
};

/** 1 / (number of elements each window averages over), [1, 1, OH, OW]. */
function windowShares(windows: Windows, size: Pair, out: Pair, includePad: boolean) {
  const counts = ([0, 1] as const).map((i) =>
    Array.from({ length: out[i] }, (_, at) => {
      const start = at * windows.strides[i] - windows.pads[i];
      const [low, high] = includePad ? [-windows.pads[i], size[i] + windows.pads[i + 2]] : [0, size[i]];
      let count = 0;
      for (let k = 0; k < windows.kernel[i]; k++) {
        const position = start + k * windows.dilations[i];
        if (position >= low && position < high) count++;
      }
      return count;
    }),
  );
  const shares = Float32Array.from({ length: out[0] * out[1] }, (_, at) => {
    return 1 / (counts[0][Math.floor(at / out[1])] * counts[1][at % out[1]]);
  });
  return tensor('float32', [1, 1, out[0], out[1]], shares);
}

export interface AveragePoolOptions extends WindowOptions {
  /** Whether padding counts in the divisor, as PyTorch's default does. */
  readonly countIncludePad?: boolean;
}

/** Mean of each window. */
export function averagePool(x: Value, kernel: Pair | number, options: AveragePoolOptions = {}): Value {
  const { dilations, ...rest } = windowAttributes(options);
  if (dilations.some((d) => d !== 1)) throw new Error('averagePool: dilation is not supported');
  const kernelShape: [number, number] = typeof kernel === 'number' ? [kernel, kernel] : [...kernel];
  const countIncludePad = options.countIncludePad === true && rest.pads.some((count) => count > 0);
  return x.graph.add(AveragePool, [x], {
    kernel_shape: kernelShape,
    ...rest,
    ...(options.ceilMode ? ceilAttributes(x, windowGeometry(kernelShape, options), countIncludePad) : {}),
    count_include_pad: countIncludePad ? 1 : 0,
  })[0];
}
