// Resizing an image on the host, with the same weights as in the graph.
import type { Image } from '../core/images.ts';
import { fixedPoint, type Resampling, resizeTaps, type Taps } from '../graph/ops/resize-taps.ts';

/** How an image is resized on the host. */
export interface HostResampling extends Resampling {
  /**
   * Where pixels become whole levels, halves rounded up: once at the end, as torchvision on tensors of bytes, or after each
   * axis (columns first), as PIL, whose weights are multiples of 2⁻²² then.
   */
  readonly quantize: 'once' | 'each-axis';
}

/** PIL's `BILINEAR` but for its rounding between the axes. */
const TRIANGLE: HostResampling = { filter: 'bilinear', antialias: true, quantize: 'once' };
/** What PIL does, to the bit. */
export const PIL_BILINEAR: HostResampling = { filter: 'bilinear', antialias: true, quantize: 'each-axis' };

/** The image at another size, each axis by itself. */
export function resizeImage(image: Image, height: number, width: number, how: HostResampling = TRIANGLE): Image {
  if (image.height === height && image.width === width) return image;
  const [rows, columns] = [tapsFor(image.height, height, how), tapsFor(image.width, width, how)];
  const narrow = resizeColumns(image, columns, how);
  return { height, width, channels: image.channels, pixels: resizeRows(narrow, rows, width * image.channels) };
}

const known = new Map<string, readonly Taps[]>();
const MAX_KNOWN = 2000;

/** Taps are drawn up once per pair of sizes: images of a dataset are all alike, random crops not quite. */
function tapsFor(from: number, to: number, how: HostResampling): readonly Taps[] {
  const key = `${from} ${to} ${how.filter} ${how.antialias} ${how.quantize}`;
  const found = known.get(key);
  if (found) return found;
  const exact = resizeTaps(from, to, how);
  const taps = how.quantize === 'once' ? exact : exact.map(fixedPoint);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(key, taps);
  return taps;
}

const toLevel = (value: number) => Math.min(255, Math.max(0, Math.floor(value + 0.5)));

function resizeColumns(image: Image, columns: readonly Taps[], { quantize }: HostResampling): Float64Array {
  const { channels, pixels, height } = image;
  const width = columns.length;
  const round = quantize === 'each-axis' && image.width !== width;
  const narrow = new Float64Array(height * width * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = columns[x];
      const start = (y * image.width + first) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * pixels[start + k * channels + c];
        narrow[to++] = round ? toLevel(sum) : sum;
      }
    }
  }
  return narrow;
}

function resizeRows(narrow: Float64Array, rows: readonly Taps[], stride: number): Uint8Array {
  const out = new Uint8Array(rows.length * stride);
  const sums = new Float64Array(stride);
  rows.forEach(({ first, weights }, y) => {
    sums.fill(0);
    for (let k = 0; k < weights.length; k++) {
      const [weight, start] = [weights[k], (first + k) * stride];
      for (let at = 0; at < stride; at++) sums[at] += weight * narrow[start + at];
    }
    for (let at = 0; at < stride; at++) out[y * stride + at] = toLevel(sums[at]);
  });
  return out;
}
