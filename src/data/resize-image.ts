// Resizing an image on the host: a triangle filter, widened when the image shrinks (PIL's and torchvision's antialiased bilinear).
import type { Image } from '../core/images.ts';

interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/** Which input pixels make up each output pixel of an axis; the weights of each sum to 1. */
function tapsOf(from: number, to: number): Taps[] {
  const scale = from / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - reach + 0.5));
    const end = Math.min(from, Math.floor(center + reach + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_tap, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - center) / reach),
    );
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** The image at another size, each axis by itself; halves are rounded up. */
export function resizeImage(image: Image, height: number, width: number): Image {
  const { channels, pixels } = image;
  if (image.height === height && image.width === width) return image;
  const [rows, columns] = [tapsOf(image.height, height), tapsOf(image.width, width)];
  const narrow = new Float64Array(image.height * width * channels);
  for (let y = 0; y < image.height; y++) {
    columns.forEach(({ first, weights }, x) => {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) {
          sum += weights[k] * pixels[(y * image.width + first + k) * channels + c];
        }
        narrow[(y * width + x) * channels + c] = sum;
      }
    });
  }
  const out = new Uint8Array(height * width * channels);
  const stride = width * channels;
  rows.forEach(({ first, weights }, y) => {
    for (let at = 0; at < stride; at++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * narrow[(first + k) * stride + at];
      out[y * stride + at] = Math.floor(sum + 0.5);
    }
  });
  return { height, width, channels, pixels: out };
}
