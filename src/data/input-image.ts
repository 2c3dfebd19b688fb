// An image at a model's input size in 8 bits, as triggers stamped there meet it: what the graph's preprocessing gives, rounded.
import type { Image } from '../core/images.ts';
import type { Preprocessing } from './preprocessing.ts';
import { NEUTRAL_PREPROCESSING } from './preprocessing-fields.ts';
import { centerOffset, resizedShape } from './resize-geometry.ts';
import { resizeImage } from './resize-image.ts';

export type InputChain = Pick<Preprocessing, 'inputSize' | 'resize' | 'filter' | 'antialias' | 'quantize'>;

/** The image resized, cut or padded with black at the centre, grey as RGB; a new one, which may be changed. */
export function inputImage(image: Image, chain: InputChain): Image {
  const { inputSize: side, resize, filter, antialias, quantize } = { ...NEUTRAL_PREPROCESSING, ...chain };
  const target = resizedShape(image, side, resize);
  const how = { filter, antialias, quantize: quantize === 'never' ? 'once' : quantize } as const;
  const { pixels, channels } = resizeImage(image, target.height, target.width, how);
  const [top, left] = [centerOffset(target.height, side), centerOffset(target.width, side)];
  const rgb = new Uint8Array(3 * side * side);
  for (let y = Math.max(0, -top); y < Math.min(side, target.height - top); y++) {
    for (let x = Math.max(0, -left); x < Math.min(side, target.width - left); x++) {
      const from = ((y + top) * target.width + x + left) * channels;
      for (let c = 0; c < 3; c++) rgb[(y * side + x) * 3 + c] = pixels[from + (channels === 1 ? 0 : c)];
    }
  }
  return { height: side, width: side, channels: 3, pixels: rgb };
}
