// 3×3 convolution by minimal filtering: a tile of 4×4 output pixels takes 36 products per channel in place of 144.
import { float32, int64, tensor } from '../../core/tensor.ts';
import type { Value } from '../graph.ts';
import { staticDim, staticShape } from '../shapes.ts';
import { conv } from './conv.ts';
import { gather } from './gather.ts';
import { matMul } from './mat-mul.ts';
import { reshape } from './reshape.ts';
import { slice } from './slice.ts';
import { transpose } from './transpose.ts';
import type { Windows } from './windows.ts';

/** Output pixels of a tile in one direction, and the input pixels that decide them. */
const TILE = 4;
const SEEN = TILE + 2;
/** Tiles that are transformed in one product: more waste products with zeros, fewer make the matrices small. */
const STRIP = 4;

/**
 * Polynomials that multiply: the pixels and kernel of a line are evaluated at these points (and at infinity), multiplied, and
 * interpolated. The usual 0, ±1, ±2 lose twice as many digits; these are numbers that float32 holds exactly.
 */
const POINTS = [0, 5 / 8, -5 / 8, 3 / 2, -3 / 2];

/**
 * F(4, 3) by the algorithm of Toom and Cook (Winograd 1980; Lavin & Gray 2016):
 * a line of output is OUTPUT · ((KERNEL · g) ⊙ (INPUT · d)).
 */
const OUTPUT = Array.from({ length: TILE }, (_, i) => [...POINTS.map((p) => p ** i), i === TILE - 1 ? 1 : 0]);
const KERNEL = [
  ...POINTS.map((p) => {
    const scale = POINTS.reduce((product, q) => (q === p ? product : product * (p - q)), 1);
    return [1 / scale, p / scale, p ** 2 / scale];
  }),
  [0, 0, 1],
];
const INPUT = [...POINTS.map((p) => [...withRoots(POINTS.filter((q) => q !== p)), 0]), withRoots(POINTS)];

/** Coefficients, the constant one first, of the polynomial x^n + … with these roots. */
function withRoots(roots: readonly number[]): number[] {
  let product = [1];
  for (const root of roots) product = [0, ...product].map((lower, i) => lower - root * (product[i] ?? 0));
  return product;
}

/** As `conv` with stride 1, for constant 3×3 weights w [O, C, 3, 3] and images x [N, C, H, W] of known size. */
export function winogradConv(x: Value, w: Value, pads: Windows['pads']): Value {
  const [outputs, inputs] = staticShape(w.shape, 'the shape of a convolution weight');
  const [height, width] = [2, 3].map((axis) => staticDim(x.shape[axis], 'a side of an image'));
  const rows = direction(height, pads[0], pads[2]);
  const columns = direction(width, pads[1], pads[3]);
  // Pixels first: then tiles are made of whole rows of memory.
  const pixels = reshape(transpose(reshape(x, [-1, height * width]), [1, 0]), [height, -1]);
  const tall = reshape(seenByTiles(pixels, rows, 0), [rows.strips * SEEN * rows.tiles, width, -1]);
  const tiles = seenByTiles(tall, columns, 1);
  const split = [rows.strips, SEEN, rows.tiles, columns.strips, SEEN, columns.tiles, -1];
  const together = transpose(reshape(tiles, split), [1, 4, 0, 2, 3, 5, 6]);
  const kernels = transformedKernels(w);
  const met = matMul(reshape(together, [1, SEEN * SEEN, -1, inputs]), kernels);
  const order = [SEEN, SEEN, rows.strips, rows.tiles, columns.strips, columns.tiles, -1];
  const apart = transpose(reshape(met, order), [2, 0, 3, 4, 1, 5, 6]);
  const wide = madeByTiles(
    reshape(apart, [rows.strips * SEEN * rows.tiles, columns.strips, SEEN * columns.tiles, -1]),
    columns,
    1,
  );
  const image = madeByTiles(reshape(wide, [rows.strips, SEEN * rows.tiles, -1]), rows, 0);
  return reshape(transpose(reshape(image, [rows.size * columns.size, -1]), [1, 0]), [
    -1,
    outputs,
    rows.size,
    columns.size,
  ]);
}

/** How one direction of an image is cut: `strips` of `tiles`; `from` input pixels, `size` output pixels. */
interface Direction {
  readonly from: number;
  readonly before: number;
  readonly size: number;
  readonly strips: number;
  readonly tiles: number;
}

function direction(from: number, before: number, after: number): Direction {
  const size = from + before + after - 2;
  const all = Math.ceil(size / TILE);
  const strips = Math.ceil(all / STRIP);
  return { from, before, size, strips, tiles: Math.ceil(all / strips) };
}

/** Transforms axis `axis` (0 or 1) of pixels: it becomes strips, the 6 numbers of a tile, tiles. */
function seenByTiles(x: Value, along: Direction, axis: 0 | 1): Value {
  const { from, before, strips, tiles } = along;
  const { graph } = x;
  const reach = TILE * tiles + 2;
  // Each strip's own pixels; one that stands for padding may be any, its factors are zero.
  const pixel = (strip: number, i: number) => strip * TILE * tiles + i - before;
  const inside = (at: number) => at >= 0 && at < from;
  const whole = strips === 1;
  const length = whole ? from : reach;
  const matrix = new Float32Array(strips * SEEN * tiles * length);
  for (let strip = 0; strip < strips; strip++) {
    for (let k = 0; k < SEEN; k++) {
      for (let tile = 0; tile < tiles; tile++) {
        for (let i = 0; i < SEEN; i++) {
          const at = pixel(strip, tile * TILE + i);
          const row = (strip * SEEN + k) * tiles + tile;
          if (inside(at)) matrix[row * length + (whole ? at : tile * TILE + i)] = INPUT[k][i];
        }
      }
    }
  }
  if (whole) return matMul(graph.constant(tensor('float32', [SEEN * tiles, from], matrix)), x);
  const places = Array.from({ length: strips * reach }, (_, i) =>
    Math.min(Math.max(pixel(Math.floor(i / reach), i % reach), 0), from - 1),
  );
  const cut = gather(x, graph.constant(int64([places.length], places)), axis);
  const shape = axis === 0 ? [strips, reach, -1] : [Number(x.shape[0]), strips, reach, -1];
  return matMul(graph.constant(tensor('float32', [strips, SEEN * tiles, reach], matrix)), reshape(cut, shape));
}

/** The way back: axes `strips` and `6 · tiles` at `axis` become the output pixels of that direction. */
function madeByTiles(x: Value, { size, strips, tiles }: Direction, axis: 0 | 1): Value {
  const { graph } = x;
  const whole = strips === 1;
  const length = whole ? size : TILE * tiles;
  const matrix = new Float32Array(length * SEEN * tiles);
  for (let at = 0; at < length; at++) {
    for (let k = 0; k < SEEN; k++) {
      matrix[at * SEEN * tiles + k * tiles + Math.floor(at / TILE)] = OUTPUT[at % TILE][k];
    }
  }
  const made = matMul(graph.constant(tensor('float32', [length, SEEN * tiles], matrix)), x);
  const shape = axis === 0 ? [strips * length, -1] : [Number(x.shape[0]), strips * length, -1];
  const pixels = reshape(made, shape);
  return strips * length === size ? pixels : slice(pixels, [0], [size], [axis]);
}

/**
 * The kernels w [O, C, 3, 3] as the tiles meet them: [1, 36, C, O]. ONNX Runtime computes it once, when it loads the graph; as
 * a convolution, because a product would have to be reshaped, which keeps a second copy of it.
 */
function transformedKernels(w: Value): Value {
  const [outputs, inputs] = staticShape(w.shape, 'the shape of a convolution weight');
  // Channel a·6 + b holds the factor of each of the nine kernel elements.
  const factors = KERNEL.flatMap((a) => KERNEL.map((b) => a.flatMap((left) => b.map((right) => left * right))));
  const elements = reshape(transpose(w, [2, 3, 1, 0]), [1, 9, inputs, outputs]);
  return conv(elements, w.graph.constant(float32([SEEN * SEEN, 9, 1, 1], factors.flat())));
}
