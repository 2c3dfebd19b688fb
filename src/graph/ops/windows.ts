// Geometry of sliding windows, shared by convolutions and pools (two spatial dimensions).
import type { Dim, Node, Value } from '../graph.ts';
import { staticDim } from '../shapes.ts';

/** Raised where an image has become smaller than a window that is to move over it. */
export class WindowTooLarge extends Error {}

/** A pair for height and width. */
export type Pair = readonly [height: number, width: number];

export interface Windows {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  /** Padding before and after: [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
  readonly ceilMode: boolean;
}

/** How a window op is called from the builders; a number stands for both directions. */
export interface WindowOptions {
  readonly strides?: number | Pair;
  readonly dilations?: number | Pair;
  readonly pads?: number | readonly [number, number, number, number];
  readonly ceilMode?: boolean;
}

const pair = (value: number | readonly number[] | undefined, fallback: number): Pair =>
  value === undefined ? [fallback, fallback] : typeof value === 'number' ? [value, value] : [value[0], value[1]];

/** Attributes of a window op from builder options. */
export function windowAttributes(options: WindowOptions): Record<string, number[]> {
  const { pads = 0 } = options;
  return {
    strides: [...pair(options.strides, 1)],
    dilations: [...pair(options.dilations, 1)],
    pads: typeof pads === 'number' ? [pads, pads, pads, pads] : [...pads],
  };
}

/** The geometry that builder options describe. */
export function windowGeometry(kernel: Pair, options: WindowOptions): Windows {
  const { strides, dilations, pads } = windowAttributes(options);
  return {
    kernel,
    strides: [strides[0], strides[1]],
    dilations: [dilations[0], dilations[1]],
    pads: [pads[0], pads[1], pads[2], pads[3]],
    ceilMode: options.ceilMode === true,
  };
}

/** Reads a node's window geometry. @throws Error for other than two spatial dimensions. */
export function windowsOf(node: Node, kernel: Pair): Windows {
  const x = node.input(0);
  if (x.rank !== 4) throw new Error(`needs a rank-4 input (N, C, H, W), got [${x.shape}]`);
  const strides = pair(node.ints('strides'), 1);
  const dilations = pair(node.ints('dilations'), 1);
  const auto = node.string('auto_pad', 'NOTSET');
  const given = node.ints('pads') ?? [0, 0, 0, 0];
  if (given.length !== 4) throw new Error(`needs 4 pads, got [${given}]`);
  const pads = (
    auto === 'SAME_UPPER' || auto === 'SAME_LOWER' ? samePads(x, kernel, strides, dilations, auto) : given
  ) as [number, number, number, number];
  return { kernel, strides, dilations, pads, ceilMode: node.int('ceil_mode', 0) === 1 };
}

function samePads(x: Value, kernel: Pair, strides: Pair, dilations: Pair, mode: string): number[] {
  const totals = [0, 1].map((i) => {
    const size = staticDim(x.shape[2 + i], 'a spatial dimension under auto_pad');
    return Math.max((Math.ceil(size / strides[i]) - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - size, 0);
  });
  const small = totals.map((total) => Math.floor(total / 2));
  const large = totals.map((total) => Math.ceil(total / 2));
  return mode === 'SAME_UPPER' ? [...small, ...large] : [...large, ...small];
}

/** Output height or width (`direction` 0 or 1) for an input of `size`. */
function windowCount(size: number, direction: 0 | 1, windows: Windows): number {
  const before = windows.pads[direction];
  const after = windows.pads[direction + 2];
  const stride = windows.strides[direction];
  const reach = (windows.kernel[direction] - 1) * windows.dilations[direction] + 1;
  const room = size + before + after - reach;
  if (room < 0)
    throw new WindowTooLarge(`a window of ${reach} does not fit ${size} pixels with padding ${before}+${after}`);
  if (!windows.ceilMode) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  // A window that would start in the padding after the image is left out, as in PyTorch and ONNX Runtime.
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

/** Shape [N, channels, OH, OW] of a window op's output. */
export function windowShape(x: Value, channels: Dim, windows: Windows): Dim[] {
  const side = (direction: 0 | 1): Dim => {
    const size = x.shape[2 + direction];
    return typeof size === 'number' ? windowCount(size, direction, windows) : x.graph.freshDim();
  };
  return [x.shape[0], channels, side(0), side(1)];
}

/**
 * `ceil_mode` and `pads` of a pool in ceil mode. ONNX Runtime leaves out a window that would start in the padding after the
 * image, but the shape rule by which it checks the graph counts it. Such a pool is written with padding in place of ceil mode.
 * @throws Error when padding counts in the divisor, so that it cannot stand for ceil mode.
 */
export function ceilAttributes(x: Value, windows: Windows, paddingCounts: boolean): Record<string, number | number[]> {
  const sides = ([0, 1] as const).map((i) => {
    const size = x.shape[2 + i];
    if (typeof size !== 'number') return { leftOut: false, overhang: 0 };
    const covered = (count: number) => (count - 1) * windows.strides[i];
    const reach = (windows.kernel[i] - 1) * windows.dilations[i] + 1;
    const all = Math.ceil((size + windows.pads[i] + windows.pads[i + 2] - reach) / windows.strides[i]) + 1;
    const count = windowCount(size, i, windows);
    return { leftOut: count < all, overhang: covered(count) + reach - size - windows.pads[i] };
  });
  if (!sides.some((side) => side.leftOut)) return { ceil_mode: 1 };
  const pads = windows.pads.map((pad, i) => (i < 2 ? pad : Math.max(pad, sides[i - 2].overhang)));
  if (paddingCounts && pads.some((pad, i) => pad !== windows.pads[i])) {
    throw new Error('a window would start in the padding: use other pads, or do not count padding');
  }
  return { ceil_mode: 0, pads };
}
