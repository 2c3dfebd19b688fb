// The gradient of a max-pool of stride 1 by comparisons, one direction after the other.
import type { Value } from '../graph.ts';
import { staticDim } from '../shapes.ts';
import { add } from './add.ts';
import { cast } from './cast.ts';
import { equal } from './equal.ts';
import { max } from './max.ts';
import { mul } from './mul.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';
import { sub } from './sub.ts';
import { transpose } from './transpose.ts';
import type { Windows } from './windows.ts';

/** One direction of the windows; `axis` is 0 for height, 1 for width. */
interface Line {
  readonly axis: 0 | 1;
  readonly size: number;
  readonly count: number;
  readonly kernel: number;
  readonly before: number;
}

/** Whether `comparedGradient` can be used. With larger strides it takes longer than asking MaxPool for indices. */
export function comparable(x: Value, { strides, dilations }: Windows): boolean {
  return (
    x.shape.slice(1).every((dim) => typeof dim === 'number') && [...strides, ...dilations].every((step) => step === 1)
  );
}

/**
 * dx from x [N, C, H, W] of known size and dy [N, C, OH, OW]. Where values tie, the first in the window (row by row) gets the
 * gradient, as in PyTorch: the first row that holds the largest value, and in it the first column.
 */
export function comparedGradient(x: Value, dy: Value, windows: Windows): Value {
  const [down, across] = ([0, 1] as const).map(
    (axis): Line => ({
      axis,
      size: staticDim(x.shape[2 + axis], 'a side of an image'),
      count: staticDim(dy.shape[2 + axis], 'a side of a pooled image'),
      kernel: windows.kernel[axis],
      before: windows.pads[axis],
    }),
  );
  // Pixels first, so that windows move over whole rows of memory.
  const pixelsFirst = (value: Value, height: number, width: number) =>
    reshape(transpose(reshape(value, [-1, height * width]), [1, 0]), [height, width, -1]);
  const pixels = seen(pixelsFirst(x, down.size, across.size), across);
  const highest = pixels.reduce(max);
  const rows = seen(highest, down);
  const ofRows = givenBack(toFirst(rows, rows.reduce(max), pixelsFirst(dy, down.count, across.count)), down);
  const dx = givenBack(toFirst(pixels, highest, ofRows), across);
  const channels = staticDim(x.shape[1], 'the channels of a pooled image');
  const flat = transpose(reshape(dx, [down.size * across.size, -1]), [1, 0]);
  return reshape(flat, [-1, channels, down.size, across.size]);
}

/** What each element of the kernel sees along a line, one value per kernel element; padding is -∞. */
function seen(x: Value, { axis, size, count, kernel, before }: Line): Value[] {
  return Array.from({ length: kernel }, (_, i) => {
    const start = before - i;
    return pad(x, along(axis, start), along(axis, count - size - start), Number.NEGATIVE_INFINITY);
  });
}

/** The gradient of the largest of several values: all of it to the first that equals it. */
function toFirst(values: readonly Value[], largest: Value, dy: Value): Value[] {
  let left = dy;
  const parts = values.slice(0, -1).map((value) => {
    const part = mul(left, cast(equal(value, largest), dy.dtype));
    left = sub(left, part);
    return part;
  });
  return [...parts, left];
}

/** The transpose of `seen`: what each kernel element sees is added up at its pixel. */
function givenBack(parts: readonly Value[], { axis, size, count, before }: Line): Value {
  return parts.map((part, i) => pad(part, along(axis, i - before), along(axis, size - count - i + before))).reduce(add);
}

const along = (axis: number, by: number): number[] => [0, 1, 2].map((i) => (i === axis ? by : 0));
