// Stamping triggers on images: the way in for everything that does it, and the blend that patterns share.
import type { Image, ImageShape } from '../core/images.ts';
import type { Rng } from '../core/rng.ts';
import { lumaOf } from './colors.ts';
import type { Overlay, StampAt, Trigger } from './trigger.ts';

/**
 * Stamps images in place, each with its own stream.
 * @throws RangeError for an image of another shape than the trigger was made for.
 */
export async function stampImages(trigger: Trigger, images: readonly Image[], streams: readonly Rng[]): Promise<void> {
  for (const image of images) checkShape(trigger.shape, image);
  if ('applyAll' in trigger) await trigger.applyAll(images, streams);
  else images.forEach((image, i) => void trigger.apply(image, streams[i]));
}

/** @throws RangeError unless the image has the shape that a trigger was made for. */
export function checkShape(shape: ImageShape, image: Image): void {
  if (image.height === shape.height && image.width === shape.width && image.channels === shape.channels) return;
  const text = ({ height, width, channels }: ImageShape) => `${height} × ${width} × ${channels}`;
  throw new RangeError(
    `trigger: made for ${text(shape)} images (height × width × channels), got one of ${text(image)}`,
  );
}

/** A trigger that blends a pattern in. On grey images the pattern's luma counts. */
export function overlayTrigger(stampAt: StampAt, shape: ImageShape, overlay: Overlay) {
  return {
    stampAt,
    shape,
    overlay,
    apply(image: Image, rng: Rng) {
      checkShape(shape, image);
      blend(image, overlay.draw(rng), overlay.opacity);
    },
  } satisfies Trigger;
}

/** Blends RGBA bytes over an image in place, rounding to nearest (halves up). */
export function blend(image: Image, rgba: Uint8Array, opacity: number): void {
  const { pixels, channels } = image;
  for (let i = 0; i < rgba.length / 4; i++) {
    const share = opacity * (rgba[4 * i + 3] / 255);
    if (share === 0) continue;
    const [r, g, b] = rgba.subarray(4 * i, 4 * i + 3);
    const pattern = channels === 1 ? [lumaOf([r, g, b])] : [r, g, b];
    for (let c = 0; c < channels; c++) {
      const at = i * channels + c;
      pixels[at] = Math.round((1 - share) * pixels[at] + share * pattern[c]);
    }
  }
}
