// Geometry of sliding windows, shared by convolutions and pools (two spatial dimensions).
import type { Dim, Node, Value } from '../graph.ts';
import { staticDim } from '../shapes.ts';

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
export function windowCount(size: Dim, direction: 0 | 1, windows: Windows): Dim {
  if (typeof size !== 'number') return size;
  const before = windows.pads[direction];
  const after = windows.pads[direction + 2];
  const stride = windows.strides[direction];
  const reach = (windows.kernel[direction] - 1) * windows.dilations[direction] + 1;
  const room = size + before + after - reach;
  if (room < 0) throw new Error(`a window of ${reach} does not fit ${size} pixels with padding ${before}+${after}`);
  if (!windows.ceilMode) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  // A window that would start in the padding after the image is left out, as in PyTorch and ONNX Runtime.
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

/** Shape [N, channels, OH, OW] of a window op's output. */
export function windowShape(x: Value, channels: Dim, windows: Windows): Dim[] {
  return [x.shape[0], channels, windowCount(x.shape[2], 0, windows), windowCount(x.shape[3], 1, windows)];
}
