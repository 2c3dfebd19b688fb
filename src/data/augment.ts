// Training augmentation on 8-bit pixels: random crops and mirror images.
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import type { Rng } from '../core/rng.ts';

/**
 * Shifts each image by up to `pad` pixels each way (what comes in from outside is black) and mirrors every other one,
 * in place: torchvision's RandomCrop(size, padding=pad) and RandomHorizontalFlip.
 * `pixels` holds whole images of `shape` (HWC); each image draws row shift, column shift and mirroring in that order.
 */
export function shiftAndMirror(pixels: Uint8Array, shape: ImageShape, pad: number, rng: Rng): void {
  const { height, width, channels } = shape;
  const bytes = bytesPerImage(shape);
  const source = new Uint8Array(bytes);
  for (let at = 0; at < pixels.length; at += bytes) {
    source.set(pixels.subarray(at, at + bytes));
    const down = rng.int(-pad, pad);
    const right = rng.int(-pad, pad);
    const mirrored = rng.int(0, 1) === 1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const fromY = y + down;
        const fromX = (mirrored ? width - 1 - x : x) + right;
        const inside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width;
        const to = at + (y * width + x) * channels;
        for (let c = 0; c < channels; c++) {
          pixels[to + c] = inside ? source[(fromY * width + fromX) * channels + c] : 0;
        }
      }
    }
  }
}
