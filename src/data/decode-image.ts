// Image files → 8-bit RGB: JPEG, PNG and WebP by sharp, PPM and PGM by ourselves.
import sharp from 'sharp';
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import type { Image } from '../core/images.ts';

// Every image is decoded once: what sharp would keep of them is memory lost.
sharp.cache(false);

/** Of one image, unless fewer are expected. */
const MAX_PIXELS = 2 ** 25;

/**
 * The pixels of an image file, grey ones with three equal channels. Transparency, colour profiles and orientation marks
 * are ignored, as training code commonly does.
 * @throws TriggerlabError (input) naming the file when it is damaged, truncated, or has more than `maxPixels` pixels.
 */
export async function decodeImage(bytes: Uint8Array, name: string, maxPixels = MAX_PIXELS): Promise<Image> {
  try {
    return isPortable(bytes) ? decodePortable(bytes, maxPixels) : await decodeSharp(bytes, maxPixels);
  } catch (cause) {
    if (cause instanceof TriggerlabError) throw cause;
    throw inputError(`cannot decode ${name}: ${messageOf(cause).split('\n', 1)[0]}`, {
      hint: 'Replace the file or take it out.',
      cause,
    });
  }
}

async function decodeSharp(bytes: Uint8Array, maxPixels: number): Promise<Image> {
  const { data, info } = await sharp(bytes, {
    limitInputPixels: maxPixels,
    failOn: 'error',
    ignoreIcc: true,
    pages: 1,
  })
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 1 && channels !== 3) throw new Error(`it has ${channels} channels`);
  return { height, width, channels: 3, pixels: channels === 3 ? data : tripled(data) };
}

function tripled(grey: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(3 * grey.length);
  for (let i = 0; i < grey.length; i++) pixels.fill(grey[i], 3 * i, 3 * i + 3);
  return pixels;
}

/** Netpbm's binary formats: `P5` grey, `P6` RGB. */
function isPortable(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && (bytes[1] === 0x35 || bytes[1] === 0x36);
}

function decodePortable(bytes: Uint8Array, maxPixels: number): Image {
  let at = 2;
  const number = () => {
    for (; at < bytes.length && (isSpace(bytes[at]) || bytes[at] === 0x23); at++) {
      if (bytes[at] === 0x23) while (at + 1 < bytes.length && bytes[at] !== 0x0a) at++;
    }
    let value = 0;
    const first = at;
    for (; at < bytes.length && bytes[at] >= 0x30 && bytes[at] <= 0x39; at++) value = 10 * value + bytes[at] - 0x30;
    if (at === first || value < 1 || value > maxPixels) throw new Error('its header is damaged');
    return value;
  };
  const [width, height, most] = [number(), number(), number()];
  if (most > 255) throw new Error('it has more than 8 bits per channel');
  if (width * height > maxPixels) throw new Error('it has too many pixels');
  if (!isSpace(bytes[at])) throw new Error('its header is damaged');
  const channels = bytes[1] === 0x36 ? 3 : 1;
  const length = width * height * channels;
  const raw = bytes.subarray(at + 1, at + 1 + length);
  if (raw.length < length) throw new Error('it is truncated');
  const scaled = most === 255 ? raw.slice() : raw.map((value) => Math.round((255 * Math.min(value, most)) / most));
  return { height, width, channels: 3, pixels: channels === 3 ? scaled : tripled(scaled) };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
