// Decodes the chosen images of a folder into one packed file, a few at a time and in bounded memory.
import { cacheDirectory } from '../core/cache-directory.ts';
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import { formatBytes } from '../core/format.ts';
import { bytesPerImage, type Image, type ImageShape } from '../core/images.ts';
import { decodeImage } from './image-folder-decode.ts';
import type { ImageFiles } from './image-folder-files.ts';
import type { FolderLayout, LabelledFile } from './image-folder-layout.ts';
import { type PackedHeader, writePacked } from './packed-images.ts';
import { resizeImage } from './resize-image.ts';

const AT_ONCE = 8;
const BLOCK_BYTES = 16_000_000;
const MAX_PACKED_BYTES = 32e9;

export interface PackOptions {
  /** The packed file. */
  readonly to: string;
  /** Side in pixels to which all images are resized; without it they must have one size. */
  readonly size: number | undefined;
  readonly onProgress: (done: number, total: number) => void;
  /** Called after the last image: the file is written only when it throws nothing. */
  readonly verify: () => void;
}

/**
 * Decodes the images of a layout, training images first, into a packed file.
 * @throws TriggerlabError (input) naming the image that is damaged or of another size.
 */
export async function packImages(
  where: string,
  files: ImageFiles,
  { classes, train, test }: FolderLayout,
  { to, size, onProgress, verify }: PackOptions,
): Promise<void> {
  const rows = [...train, ...test];
  const decode = async ({ path }: LabelledFile): Promise<Image> => {
    const image = await decodeImage(await files.read(path), `${where}: ${path}`);
    return size === undefined ? image : resizeImage(image, size, size);
  };
  const { height, width } = await decode(rows[0]);
  const shape: ImageShape = { height, width, channels: 3 };
  const bytes = bytesPerImage(shape);
  if (bytes * rows.length > MAX_PACKED_BYTES) {
    throw inputError(
      `${where}: ${rows.length} images of ${width} × ${height} take ${formatBytes(bytes * rows.length)}`,
      {
        hint: `At most ${formatBytes(MAX_PACKED_BYTES)} are packed: take fewer with train= and test=, or smaller ones with size=.`,
      },
    );
  }
  const header: PackedHeader = { ...shape, classes, trainCount: train.length, testCount: test.length };
  const perBlock = Math.max(1, Math.min(1024, Math.floor(BLOCK_BYTES / bytes)));
  let done = 0;
  async function* blocks(): AsyncGenerator<Uint8Array> {
    for (let first = 0; first < rows.length; first += perBlock) {
      const count = Math.min(perBlock, rows.length - first);
      const block = new Uint8Array(count * bytes);
      await inParallel(count, async (i) => {
        const image = await decode(rows[first + i]);
        if (image.height !== height || image.width !== width) {
          throw inputError(
            `${where}: ${rows[first + i].path} is ${image.width} × ${image.height} pixels, ${rows[0].path} ${width} × ${height}`,
            { hint: 'All images must have one size: add size=64 (or another side) behind "?" to have them resized.' },
          );
        }
        block.set(image.pixels, i * bytes);
        onProgress(++done, rows.length);
      });
      yield block;
    }
    verify();
  }
  const labels = Uint16Array.from(rows, ({ label }) => label);
  await inCache(() => writePacked(to, header, labels, blocks()));
}

/** Does what writes to the cache; tells the user where the cache lies when it cannot be written. */
export async function inCache(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    if (cause instanceof TriggerlabError) throw cause;
    throw inputError(`the cache in ${cacheDirectory()} cannot be written: ${messageOf(cause)}`, {
      hint: 'Make room there, or set TRIGGERLAB_CACHE to another directory.',
      cause,
    });
  }
}

/**
 * Does `work` for 0 … count-1, a few at a time, and waits until all have ended, so that nothing reads a closed archive.
 * @throws what the first of them in order threw; those behind it are then not begun.
 */
export async function inParallel(count: number, work: (i: number) => Promise<void>): Promise<void> {
  const failures = new Map<number, unknown>();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const i = next++;
      await work(i).catch((error: unknown) => {
        failures.set(i, error);
        next = count;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
}
