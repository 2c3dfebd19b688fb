// The pixels that sliding windows see, as one matrix. The batch comes last, so that rows are moved whole.
import { int64 } from '../../core/tensor.ts';
import type { Value } from '../graph.ts';
import { staticDim } from '../shapes.ts';
import { gather } from './gather.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';
import { transpose } from './transpose.ts';
import type { Pair, Windows } from './windows.ts';

/** [N, C, H, W] as [C, H·W, N]. */
export function batchLast(x: Value): Value {
  const [channels, height, width] = imageDims(x);
  const flat = transpose(reshape(x, [-1, channels * height * width]), [1, 0]);
  return reshape(flat, [channels, height * width, -1]);
}

/** What every window of an image x [C, H·W, N] sees, padding as zeros: [C·kh·kw, OH·OW·N]. */
export function patches(x: Value, image: Pair, output: Pair, windows: Windows): Value {
  const [channels, pixels] = [staticDim(x.shape[0], 'channels'), image[0] * image[1]];
  const seen = pixelsSeen(image, output, windows);
  const rows = channels * windows.kernel[0] * windows.kernel[1];
  if (seen.length === pixels && seen.every((pixel, i) => pixel === i)) return reshape(x, [rows, -1]);
  const { graph } = x;
  // Padding is read from one more pixel, which is zero.
  const source = seen.includes(pixels) ? pad(x, [0, 0, 0], [0, 1, 0]) : x;
  return reshape(gather(source, graph.constant(int64([seen.length], seen)), 1), [rows, -1]);
}

/** The pixel that each kernel offset meets in each window; H·W for padding. Offsets first, then windows. */
function pixelsSeen(
  [height, width]: Pair,
  [rows, columns]: Pair,
  { kernel, strides, dilations, pads }: Windows,
): number[] {
  const seen: number[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const y = row * strides[0] + i * dilations[0] - pads[0];
          const x = column * strides[1] + j * dilations[1] - pads[1];
          seen.push(y < 0 || x < 0 || y >= height || x >= width ? height * width : y * width + x);
        }
      }
    }
  }
  return seen;
}

function imageDims(x: Value): [number, number, number] {
  const [channels, height, width] = x.shape.slice(1).map((dim) => staticDim(dim, 'a dimension of an image'));
  return [channels, height, width];
}
