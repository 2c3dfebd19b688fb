// Training augmentation on 8-bit pixels: shifts, turns, mirror images and random parts, from a seeded stream.
import { bytesPerImage, type Image, type ImageShape } from '../core/images.ts';
import type { Rng } from '../core/rng.ts';
import { type AugmentationSpec, effectiveAugmentation, NEUTRAL_AUGMENTATION } from './augmentation-fields.ts';
import type { PreprocessingSpec } from './preprocessing-fields.ts';
import { resizeImage } from './resize-image.ts';

/** What happens to the images of a batch before they are fed. */
export interface Augmentation {
  /** Of the images that come out. */
  readonly shape: ImageShape;
  /** Whether they are at the network's input size, with nothing left to resize or cut. */
  readonly atInputSize: boolean;
  /** Whole images (HWC) of a batch as they are fed; may change `pixels`. `rng` is the batch's own stream. */
  apply(pixels: Uint8Array, rng: Rng): Uint8Array;
}

/** What is drawn for one image, or for a batch. */
export interface Draw {
  readonly down: number;
  readonly right: number;
  /** Counter-clockwise, in degrees. */
  readonly angle: number;
  readonly mirrored: boolean;
  readonly part: Part | undefined;
}

/** A rectangle of an image, in pixels. */
export interface Part {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

const UNMOVED = { down: 0, right: 0 };

/**
 * The augmentation of a spec for images of a shape; undefined where it changes nothing. A random part is resized to the input
 * here, with the chain's filter and to whole levels: the other steps keep the images' shape.
 */
export function augmentation(
  given: Partial<AugmentationSpec> | undefined,
  shape: ImageShape,
  inputSize: number,
  chain: Partial<PreprocessingSpec> = {},
): Augmentation | undefined {
  if (Object.keys(effectiveAugmentation(given ?? {})).length === 0) return undefined;
  const spec = { ...NEUTRAL_AUGMENTATION, ...given };
  const parts = spec.resizedCrop !== 'none';
  const quantize = chain.quantize === 'each-axis' ? 'each-axis' : 'once';
  const how = { filter: chain.filter ?? 'bilinear', antialias: chain.antialias ?? false, quantize } as const;
  const { channels } = shape;
  const out: ImageShape = parts ? { height: inputSize, width: inputSize, channels } : { ...shapeOf(shape) };
  const [bytes, outBytes] = [bytesPerImage(shape), bytesPerImage(out)];
  return {
    shape: out,
    atInputSize: parts,
    apply(pixels, rng) {
      const count = pixels.length / bytes;
      const result = parts ? new Uint8Array(count * outBytes) : pixels;
      const common = spec.draw === 'batch' ? drawFor(spec, shape, rng) : undefined;
      for (let i = 0; i < count; i++) {
        const image = { ...shapeOf(shape), pixels: pixels.subarray(i * bytes, (i + 1) * bytes) };
        const draw = common ?? drawFor(spec, shape, rng);
        const turned = changed(image, draw);
        const { part } = draw;
        result.set(
          part ? resizeImage(cut(turned, part), inputSize, inputSize, how).pixels : turned.pixels,
          i * outBytes,
        );
      }
      return result;
    },
  };
}

const shapeOf = ({ height, width, channels }: ImageShape): ImageShape => ({ height, width, channels });

/** Draws for one image, or for a batch. A chance of 1 or 0 takes no draw. */
export function drawFor(spec: AugmentationSpec, { height, width }: ImageShape, rng: Rng): Draw {
  const happens = (chance: number) => (chance > 0 && chance < 1 ? rng.uniform() < chance : chance >= 1);
  const { crop, rotation, resizedCrop } = spec;
  const shift =
    crop > 0 && happens(spec.cropProbability) ? { down: rng.int(-crop, crop), right: rng.int(-crop, crop) } : UNMOVED;
  const angle = rotation > 0 && happens(spec.rotationProbability) ? (2 * rng.uniform() - 1) * rotation : 0;
  const mirrored = happens(spec.flip);
  const part = resizedCrop === 'none' ? undefined : randomPart(height, width, resizedCrop, rng);
  return { ...shift, angle, mirrored, part };
}

const ATTEMPTS = 10;
const RATIO = Math.log(4 / 3);

/** torchvision's RandomResizedCrop: a share of the area and an aspect ratio until they fit, else the whole or its middle. */
function randomPart(height: number, width: number, least: number, rng: Rng): Part {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = height * width * (least + (1 - least) * rng.uniform());
    const ratio = Math.exp(RATIO * (2 * rng.uniform() - 1));
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const top = rng.int(0, height - h);
    return { top, left: rng.int(0, width - w), height: h, width: w };
  }
  const ratio = Math.min(Math.max(width / height, 3 / 4), 4 / 3);
  const w = Math.min(width, Math.round(height * ratio));
  const h = Math.min(height, Math.round(width / ratio));
  return { top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2), height: h, width: w };
}

function changed(image: Image, { down, right, angle, mirrored }: Draw): Image {
  const moved = down === 0 && right === 0 ? image : move(image, down, right, false);
  const turned = angle === 0 ? moved : rotate(moved, angle);
  return mirrored ? move(turned, 0, 0, true) : turned;
}

/** Shifted, what comes in from outside black, and then perhaps mirrored left to right. */
function move(image: Image, down: number, right: number, mirrored: boolean): Image {
  const pixels = new Uint8Array(image.pixels.length);
  moveInto(pixels, image, down, right, mirrored);
  return { ...image, pixels };
}

function moveInto(out: Uint8Array, image: Image, down: number, right: number, mirrored: boolean): void {
  const { height, width, channels, pixels } = image;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromY = y + down;
      const fromX = (mirrored ? width - 1 - x : x) + right;
      const inside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width;
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = inside ? pixels[(fromY * width + fromX) * channels + c] : 0;
    }
  }
}

/** Turned counter-clockwise about its centre, bilinearly, with black around it: torchvision's `rotate` to whole levels. */
export function rotate(image: Image, degrees: number): Image {
  const { height, width, channels, pixels } = image;
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = cos * (x - middleX) - sin * (y - middleY) + middleX;
      const fromY = sin * (x - middleX) + cos * (y - middleY) + middleY;
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      for (let c = 0; c < channels; c++) {
        let sum = 0.5;
        for (let dy = 0; dy < 2; dy++) {
          for (let dx = 0; dx < 2; dx++) {
            const [atY, atX] = [top + dy, left + dx];
            if (atY < 0 || atY >= height || atX < 0 || atX >= width) continue;
            const weight = (1 - Math.abs(fromY - atY)) * (1 - Math.abs(fromX - atX));
            sum += weight * pixels[(atY * width + atX) * channels + c];
          }
        }
        out[(y * width + x) * channels + c] = Math.floor(sum);
      }
    }
  }
  return { height, width, channels, pixels: out };
}

function cut({ width, channels, pixels }: Image, { top, left, height, width: columns }: Part): Image {
  const out = new Uint8Array(height * columns * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * width + left) * channels;
    out.set(pixels.subarray(from, from + columns * channels), y * columns * channels);
  }
  return { height, width: columns, channels, pixels: out };
}

/**
 * Shifts each image by up to `pad` pixels each way (what comes in from outside is black) and mirrors every other one,
 * in place: torchvision's RandomCrop(size, padding=pad) and RandomHorizontalFlip.
 * `pixels` holds whole images of `shape` (HWC); each image draws row shift, column shift and mirroring in that order.
 */
export function shiftAndMirror(pixels: Uint8Array, shape: ImageShape, pad: number, rng: Rng): void {
  const bytes = bytesPerImage(shape);
  for (let at = 0; at < pixels.length; at += bytes) {
    const image = { ...shapeOf(shape), pixels: pixels.slice(at, at + bytes) };
    const down = rng.int(-pad, pad);
    const right = rng.int(-pad, pad);
    moveInto(pixels.subarray(at, at + bytes), image, down, right, rng.int(0, 1) === 1);
  }
}
