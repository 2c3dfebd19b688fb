// Reader of the official Tiny ImageNet archive: wnids.txt, train/<wnid>/images, val/images with val_annotations.txt.
import { inputError } from '../core/errors.ts';
import type { Image, ImageShape } from '../core/images.ts';
import { openZip, withZip } from '../core/zip.ts';
import { type Dataset, memorySource, type RawImages } from './dataset.ts';
import { decodeImage } from './decode-image.ts';
import { decodedBlocks } from './decoded-blocks.ts';
import { tinyImageNetIndex } from './tiny-imagenet-index.ts';

/** Side of the archive's own images in pixels. */
const NATIVE_SIDE = 64;
const CHANNELS = 3;
/** The official archive has about 120,000 entries, its largest image 16 kB. */
const MAX_ENTRIES = 200_000;
const MAX_IMAGE_BYTES = 1_000_000;

export interface TinyImageNetOptions {
  /** Side of the images wanted: 64 as they are, 32 by the mean of 2 × 2 pixels. */
  readonly size: 32 | 64;
  /** The first so many training images of each class (in the order of their numbers); all by default. */
  readonly trainPerClass?: number;
  /** Told now and then how many images are decoded, and of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Tiny ImageNet from the archive at `zipPath`, all in memory: RGB, grey images with three equal channels. Classes are
 * WordNet ids in ascending order. Training rows come class by class in the order of the images' numbers, test rows are the
 * validation images in the order of val_annotations.txt (the official test images have no labels).
 * @throws TriggerlabError (input) when the file is no such archive or an image cannot be decoded to 64 × 64 pixels.
 */
export async function loadTinyImageNet(zipPath: string, options: TinyImageNetOptions): Promise<Dataset> {
  const { classes, images } = await openTinyImageNet(zipPath, options);
  const { height, width, channels, trainLabels, testLabels } = images;
  const bytes = height * width * channels;
  const [trainRows, total] = [trainLabels.length, trainLabels.length + testLabels.length];
  const pixels = new Uint8Array(total * bytes);
  for await (const block of images.blocks()) {
    pixels.set(block.pixels, block.first * bytes);
    options.onProgress?.(block.first + block.pixels.length / bytes, total);
  }
  return {
    name: 'tiny-imagenet',
    classes,
    train: memorySource(images, pixels.subarray(0, trainRows * bytes), trainLabels),
    test: memorySource(images, pixels.subarray(trainRows * bytes), testLabels),
  };
}

/** The same, to be read block by block. @throws TriggerlabError (input) as `loadTinyImageNet`. */
export async function openTinyImageNet(
  zipPath: string,
  { size, trainPerClass }: TinyImageNetOptions,
): Promise<{ readonly classes: readonly string[]; readonly images: RawImages }> {
  const index = await withZip(zipPath, MAX_ENTRIES, (archive) => tinyImageNetIndex(archive, zipPath, trainPerClass));
  const rows = [...index.train, ...index.test];
  const shape: ImageShape = { height: size, width: size, channels: CHANNELS };
  const images: RawImages = {
    ...shape,
    trainLabels: Uint16Array.from(index.train, ({ label }) => label),
    testLabels: Uint16Array.from(index.test, ({ label }) => label),
    async *blocks() {
      const archive = await openZip(zipPath, MAX_ENTRIES);
      try {
        yield* decodedBlocks(shape, rows.length, async (row) => {
          const image = await decodeRgb64(await archive.read(rows[row].name, MAX_IMAGE_BYTES), rows[row].name);
          return size === NATIVE_SIDE ? image : { ...shape, pixels: halve(image.pixels, NATIVE_SIDE) };
        });
      } finally {
        archive.close();
      }
    },
  };
  return { classes: index.classes, images };
}

async function decodeRgb64(jpeg: Buffer, name: string): Promise<Image> {
  const image = await decodeImage(jpeg, name, NATIVE_SIDE * NATIVE_SIDE);
  if (image.width === NATIVE_SIDE && image.height === NATIVE_SIDE) return image;
  throw inputError(`${name} is ${image.width} × ${image.height} pixels; Tiny ImageNet's images are 64 × 64`, {
    hint: 'Download the archive again.',
  });
}

/** Half the side of a square RGB image: each pixel the mean of 2 × 2, halves rounded up. */
export function halve(pixels: Uint8Array, side: number): Uint8Array {
  const half = side / 2;
  const out = new Uint8Array(half * half * CHANNELS);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      for (let c = 0; c < CHANNELS; c++) {
        const at = (2 * y * side + 2 * x) * CHANNELS + c;
        const below = at + side * CHANNELS;
        const sum = pixels[at] + pixels[at + CHANNELS] + pixels[below] + pixels[below + CHANNELS];
        out[(y * half + x) * CHANNELS + c] = (sum + 2) >> 2;
      }
    }
  }
  return out;
}
