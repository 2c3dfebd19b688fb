// Stamps laid on an empty ground of an image's size: what an overlay draws.
import type { ImageShape } from '../core/images.ts';
import type { Stamp } from './patch-shapes.ts';
import type { Box } from './trigger.ts';

/** A stamp and where its upper left pixel comes to lie. */
export interface LaidStamp {
  readonly stamp: Stamp;
  readonly at: Pick<Box, 'top' | 'left'>;
}

/** RGBA bytes of an image's size with the stamps on it; where they overlap, a later one hides what it covers in part or in full. */
export function layOut(
  { height, width }: Pick<ImageShape, 'height' | 'width'>,
  stamps: readonly LaidStamp[],
): Uint8Array {
  const ground = new Uint8Array(4 * height * width);
  for (const { stamp, at } of stamps) {
    for (let y = 0; y < stamp.height; y++) {
      for (let x = 0; x < stamp.width; x++) {
        const from = 4 * (y * stamp.width + x);
        if (stamp.rgba[from + 3] === 0) continue;
        ground.set(stamp.rgba.subarray(from, from + 4), 4 * ((at.top + y) * width + at.left + x));
      }
    }
  }
  return ground;
}
