// How resizing weighs the pixels along one axis: the one definition that the graph, the host and the tests share.
import { sourcePosition } from './resize-matrix.ts';

export type Filter = 'bilinear' | 'bicubic';

export interface Resampling {
  readonly filter: Filter;
  /** Whether the filter widens when the image shrinks, so that every pixel counts: PIL always does. */
  readonly antialias: boolean;
}

/** The input pixels that make up one output pixel, from number `first` on; their weights sum to 1. */
export interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/** Keys' cubic kernel: a = -1/2 in PIL and wherever there is antialiasing, -3/4 in PyTorch's `interpolate`. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/**
 * The taps of each of `to` output pixels over `from` input pixels, centres at half pixels. With antialiasing as PIL's
 * `resize` and torchvision's with `antialias=True`, without as PyTorch's `interpolate`, which repeats the outermost pixels.
 */
export function resizeTaps(from: number, to: number, { filter, antialias }: Resampling): Taps[] {
  const taps = antialias ? widened : filter === 'bilinear' ? linear : repeated;
  return Array.from({ length: to }, (_, i) => taps(i, from, to, filter));
}

function widened(i: number, from: number, to: number, filter: Filter): Taps {
  const scale = from / to;
  const widening = Math.max(1, scale);
  const reach = filter === 'bilinear' ? widening : 2 * widening;
  const center = (i + 0.5) * scale;
  const first = Math.max(0, Math.floor(center - reach + 0.5));
  const end = Math.min(from, Math.floor(center + reach + 0.5));
  const weights = Float64Array.from({ length: end - first }, (_, k) => {
    const distance = Math.abs(first + k + 0.5 - center) / widening;
    return filter === 'bilinear' ? Math.max(0, 1 - distance) : cubic(distance, -0.5);
  });
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return { first, weights: weights.map((weight) => weight / sum) };
}

function linear(i: number, from: number, to: number): Taps {
  const position = Math.min(Math.max(sourcePosition(i, from, to, 'half_pixel'), 0), from - 1);
  const first = Math.floor(position);
  const share = position - first;
  return { first, weights: share === 0 ? Float64Array.of(1) : Float64Array.of(1 - share, share) };
}

function repeated(i: number, from: number, to: number): Taps {
  const position = sourcePosition(i, from, to, 'half_pixel');
  const low = Math.floor(position);
  const clamp = (at: number) => Math.min(Math.max(at, 0), from - 1);
  const first = clamp(low - 1);
  const weights = new Float64Array(clamp(low + 2) - first + 1);
  for (let at = low - 1; at <= low + 2; at++) weights[clamp(at) - first] += cubic(position - at, -0.75);
  return { first, weights };
}

/** Weights as multiples of 2⁻²², as PIL has them: products with levels, and their sums, are then exact in float64. */
export function fixedPoint({ first, weights }: Taps): Taps {
  const away = (value: number) => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
  return { first, weights: weights.map((weight) => away(weight * 2 ** 22) / 2 ** 22) };
}

/** Rows of weights over `from` input pixels, row-major [taps, from]; a row of zeros for `undefined`: a pixel from outside. */
export function tapsMatrix(taps: readonly (Taps | undefined)[], from: number): Float64Array {
  const matrix = new Float64Array(taps.length * from);
  taps.forEach((tap, i) => {
    if (tap) matrix.set(tap.weights, i * from + tap.first);
  });
  return matrix;
}
