// The shapes of a patch: which pixels of its square they cover, and in what colours. No edge is smoothed.
import type { Rng } from '../core/rng.ts';
import type { Rgb } from './colors.ts';

export const PATCH_SHAPES = ['square', 'circle', 'triangle', 'cross', 'checkerboard', 'noise'] as const;
export type PatchShape = (typeof PATCH_SHAPES)[number];

/** A rectangle of RGBA bytes, row by row; A is how much of the pixel it covers. */
export interface Stamp {
  readonly height: number;
  readonly width: number;
  readonly rgba: Uint8Array;
}

/** Share of its square that a shape covers when it is large. */
export const FILL: Readonly<Record<PatchShape, number>> = {
  square: 1,
  circle: Math.PI / 4,
  triangle: 1 / 2,
  cross: 5 / 9,
  checkerboard: 1,
  noise: 1,
};

/** Whether a pixel, by the distance of its centre from the square's centre in half pixels, belongs to a shape. */
function covers(shape: PatchShape, side: number, down: number, right: number): boolean {
  if (shape === 'circle') return down * down + right * right <= side * side;
  // The tip is above; row y is y + 1/2 pixels wide at its middle.
  if (shape === 'triangle') return 2 * Math.abs(right) <= down + side;
  if (shape === 'cross') return Math.min(Math.abs(down), Math.abs(right)) < armOf(side);
  return true;
}

/** Width of a cross's arms: nearest to a third of the side among whole numbers that are odd or even as it is, at least one. */
function armOf(side: number): number {
  const odd = side % 2;
  return Math.max(2 - odd, 2 * Math.round((side / 3 - odd) / 2) + odd);
}

/** A shape of one colour in a square of `side` pixels. */
export function shapeStamp(shape: PatchShape, side: number, color: Rgb): Stamp {
  return stampOf(side, (y, x) => (covers(shape, side, 2 * y + 1 - side, 2 * x + 1 - side) ? color : undefined));
}

/** Cells of `cell` pixels in two colours by turns, `color` in the upper left corner; the last ones may be cut. */
export function checkerboardStamp(side: number, cell: number, color: Rgb, other: Rgb): Stamp {
  return stampOf(side, (y, x) => ((Math.floor(y / cell) + Math.floor(x / cell)) % 2 === 0 ? color : other));
}

/** Levels from 0 to 255, all equally likely, each pixel and channel by itself. */
export function noiseStamp(height: number, width: number, rng: Rng): Stamp {
  const rgba = Uint8Array.from({ length: 4 * height * width }, (_, i) => (i % 4 === 3 ? 255 : rng.int(0, 255)));
  return { height, width, rgba };
}

function stampOf(side: number, colorAt: (y: number, x: number) => Rgb | undefined): Stamp {
  const rgba = new Uint8Array(4 * side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const color = colorAt(y, x);
      if (color) rgba.set([...color, 255], 4 * (y * side + x));
    }
  }
  return { height: side, width: side, rgba };
}
