// Warping an image by a smooth random field, with the arithmetic of torch's grid_sample and bicubic upsampling.
import type { ImageShape } from '../core/images.ts';
import type { Rng } from '../core/rng.ts';

/** Where each pixel of a warped image is looked up: coordinates in [−1, 1] from the first to the last pixel centre, row by row. */
export interface Grid {
  readonly height: number;
  readonly width: number;
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** A coarse field of k × k vectors: its x components row by row, then its y components. */
export type Field = ArrayLike<number>;

/** Uniform numbers in [−1, 1): all x components, then all y components, each row by row. */
export function randomField(k: number, rng: Rng): Field {
  return Float64Array.from({ length: 2 * k * k }, () => 2 * rng.uniform() - 1);
}

export interface WarpOptions {
  /** Strength s of the field. */
  readonly strength: number;
  /** Factor on all coordinates; below 1 it enlarges the image a little. */
  readonly gridRescale: number;
}

/**
 * WaNet's attack grid, clamp((I + s · N / H) · gridRescale, −1, 1): I the identity, N the field divided by the mean of its
 * absolute values and upsampled bicubically (corners aligned), H the image's height (for both axes, as published).
 */
export function warpGrid(
  field: Field,
  { height, width }: Pick<ImageShape, 'height' | 'width'>,
  { strength, gridRescale }: WarpOptions,
): Grid {
  const k = Math.sqrt(field.length / 2);
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`warpGrid: ${field.length} numbers are no k × k vectors`);
  const mean = Array.from(field).reduce((sum, value) => sum + Math.abs(value), 0) / field.length;
  const scaled = Float64Array.from(field, (value) => value / mean);
  const component = (at: number) => upsampleBicubic(scaled.subarray(at * k * k, (at + 1) * k * k), k, height, width);
  const grid = (offsets: Float64Array, identity: (i: number) => number) =>
    offsets.map((offset, i) => clamp((identity(i) + (strength * offset) / height) * gridRescale));
  return {
    height,
    width,
    x: grid(component(0), (i) => linear(i % width, width)),
    y: grid(component(1), (i) => linear(Math.floor(i / width), height)),
  };
}

/** The grid of a noise image, clamp(G + U(−1, 1) / H, −1, 1): pixel by pixel an x and a y offset, from `rng`. */
export function noiseGrid(grid: Grid, rng: Rng): Grid {
  const x = new Float64Array(grid.x.length);
  const y = new Float64Array(grid.y.length);
  for (let i = 0; i < x.length; i++) {
    x[i] = clamp(grid.x[i] + (2 * rng.uniform() - 1) / grid.height);
    y[i] = clamp(grid.y[i] + (2 * rng.uniform() - 1) / grid.height);
  }
  return { ...grid, x, y };
}

/**
 * The image looked up at a grid's places, bilinearly, black outside: torch's `grid_sample(bilinear, zeros, align_corners=True)`.
 * @param pixels height · width · channels numbers (HWC), of the grid's size
 * @returns as many numbers on the same scale, not rounded
 */
export function warp(pixels: ArrayLike<number>, channels: number, { height, width, x, y }: Grid): Float64Array {
  if (pixels.length !== x.length * channels) {
    throw new RangeError(`warp: ${pixels.length} numbers are no ${height} × ${width} × ${channels} image`);
  }
  const out = new Float64Array(pixels.length);
  for (let i = 0; i < x.length; i++) {
    const column = ((x[i] + 1) / 2) * (width - 1);
    const row = ((y[i] + 1) / 2) * (height - 1);
    const [left, top] = [Math.floor(column), Math.floor(row)];
    for (let dy = 0; dy < 2; dy++) {
      for (let dx = 0; dx < 2; dx++) {
        const weight = (dx ? column - left : left + 1 - column) * (dy ? row - top : top + 1 - row);
        const inside = top + dy >= 0 && top + dy < height && left + dx >= 0 && left + dx < width;
        if (weight === 0 || !inside) continue;
        const from = ((top + dy) * width + left + dx) * channels;
        for (let c = 0; c < channels; c++) out[i * channels + c] += weight * pixels[from + c];
      }
    }
  }
  return out;
}

function clamp(coordinate: number): number {
  return Math.min(1, Math.max(-1, coordinate));
}

/** The `i`-th of `count` even steps from −1 to 1; −1 where there is only one, as torch's linspace. */
function linear(i: number, count: number): number {
  return count > 1 ? (2 * i) / (count - 1) - 1 : -1;
}

/** Cubic convolution weights (a = −0.75, as torch) of the four samples around a place, `t` in [0, 1) after the second. */
function cubicWeights(t: number): readonly number[] {
  const a = -0.75;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/** k × k numbers at height × width, corners on corners; beyond the edge the edge is repeated. */
function upsampleBicubic(values: Float64Array, k: number, height: number, width: number): Float64Array {
  const taps = (i: number, count: number) => {
    const at = count > 1 ? (i * (k - 1)) / (count - 1) : 0;
    const first = Math.floor(at);
    return cubicWeights(at - first).map((weight, j) => ({
      weight,
      from: Math.min(k - 1, Math.max(0, first - 1 + j)),
    }));
  };
  const columns = Array.from({ length: width }, (_, j) => taps(j, width));
  const out = new Float64Array(height * width);
  for (let i = 0; i < height; i++) {
    const rows = taps(i, height);
    for (let j = 0; j < width; j++) {
      let sum = 0;
      for (const row of rows)
        for (const column of columns[j]) sum += row.weight * column.weight * values[row.from * k + column.from];
      out[i * width + j] = sum;
    }
  }
  return out;
}
