// Reader of the official Tiny ImageNet archive: wnids.txt, train/<wnid>/images, val/images with val_annotations.txt.
import sharp from 'sharp';
import { inputError, messageOf } from '../core/errors.ts';
import { withZip, type ZipArchive } from '../core/zip.ts';
import { type Dataset, type ImageSource, memorySource } from './dataset.ts';
import { type TinyImageNetFile, type TinyImageNetIndex, tinyImageNetIndex } from './tiny-imagenet-index.ts';

/** Side of the archive's own images in pixels. */
const NATIVE_SIDE = 64;
const CHANNELS = 3;
/** The official archive has about 120,000 entries, its largest image 16 kB. */
const MAX_ENTRIES = 200_000;
const MAX_IMAGE_BYTES = 1_000_000;
const DECODED_AT_ONCE = 8;

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
 * WordNet ids in the order of wnids.txt. Training rows come class by class in the order of the images' numbers, test
 * rows are the validation images in the order of val_annotations.txt (the official test images have no labels).
 * @throws TriggerlabError (input) when the file is no such archive or an image cannot be decoded to 64 × 64 pixels.
 */
export async function loadTinyImageNet(zipPath: string, options: TinyImageNetOptions): Promise<Dataset> {
  return withZip(zipPath, MAX_ENTRIES, async (archive) => {
    const index = await tinyImageNetIndex(archive, zipPath, options.trainPerClass);
    const progress = progressCounter(index, options.onProgress);
    return {
      name: 'tiny-imagenet',
      classes: index.classes,
      train: await decodeSplit(archive, index.train, options.size, progress),
      test: await decodeSplit(archive, index.test, options.size, progress),
    };
  });
}

function progressCounter(index: TinyImageNetIndex, onProgress: TinyImageNetOptions['onProgress']): () => void {
  const total = index.train.length + index.test.length;
  let done = 0;
  return () => {
    done++;
    if (done % 250 === 0 || done === total) onProgress?.(done, total);
  };
}

async function decodeSplit(
  archive: ZipArchive,
  files: readonly TinyImageNetFile[],
  size: 32 | 64,
  progress: () => void,
): Promise<ImageSource> {
  const bytes = size * size * CHANNELS;
  const pixels = new Uint8Array(files.length * bytes);
  let next = 0;
  const work = async () => {
    while (next < files.length) {
      const row = next++;
      const { name } = files[row];
      const image = await decodeRgb64(await archive.read(name, MAX_IMAGE_BYTES), name);
      pixels.set(size === NATIVE_SIDE ? image : halve(image, NATIVE_SIDE), row * bytes);
      progress();
    }
  };
  await settleAll(Array.from({ length: DECODED_AT_ONCE }, work), () => {
    next = files.length;
  });
  const labels = Uint16Array.from(files, (file) => file.label);
  return memorySource({ height: size, width: size, channels: CHANNELS }, pixels, labels);
}

/** Waits until all have ended, so that nothing reads a closed archive; then throws the first failure. */
async function settleAll(tasks: readonly Promise<void>[], stop: () => void): Promise<void> {
  const failures: unknown[] = [];
  await Promise.all(
    tasks.map((task) =>
      task.catch((error: unknown) => {
        failures.push(error);
        stop();
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
}

/** A JPEG as 64 × 64 RGB bytes (HWC). Colour profiles and orientation marks are ignored, as training code commonly does. */
async function decodeRgb64(jpeg: Buffer, name: string): Promise<Uint8Array> {
  const decoded = await sharp(jpeg, { limitInputPixels: NATIVE_SIDE * NATIVE_SIDE, ignoreIcc: true })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw inputError(`cannot decode ${name}: ${messageOf(cause)}`, { hint: 'Download the archive again.', cause });
    });
  const { width, height, channels } = decoded.info;
  if (width !== NATIVE_SIDE || height !== NATIVE_SIDE || (channels !== 1 && channels !== CHANNELS)) {
    throw inputError(
      `${name} is ${width} × ${height} pixels with ${channels} channels; Tiny ImageNet's images are 64 × 64, grey or RGB`,
    );
  }
  return channels === CHANNELS ? decoded.data : Uint8Array.from({ length: 3 * decoded.data.length }, greyAt);

  function greyAt(_: unknown, i: number): number {
    return decoded.data[Math.floor(i / CHANNELS)];
  }
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
