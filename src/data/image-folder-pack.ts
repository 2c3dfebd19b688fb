// Decodes the chosen images of a folder into one packed file, a few at a time and in bounded memory.
import { cacheDirectory } from '../core/cache-directory.ts';
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import { formatBytes } from '../core/format.ts';
import { bytesPerImage, type Image, type ImageShape } from '../core/images.ts';
import type { RawImages } from './dataset.ts';
import { decodeImage } from './decode-image.ts';
import { decodedBlocks } from './decoded-blocks.ts';
import type { ImageFiles } from './image-folder-files.ts';
import type { FolderLayout, LabelledFile } from './image-folder-layout.ts';
import { writePacked } from './packed-images.ts';
import { resizeImage } from './resize-image.ts';

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
  let done = 0;
  const decodeRow = async (row: number) => {
    const image = await decode(rows[row]);
    if (image.height !== height || image.width !== width) {
      throw inputError(
        `${where}: ${rows[row].path} is ${image.width} × ${image.height} pixels, ${rows[0].path} ${width} × ${height}`,
        { hint: 'All images must have one size: add size=64 (or another side) behind "?" to have them resized.' },
      );
    }
    onProgress(++done, rows.length);
    return image;
  };
  const raw: RawImages = {
    ...shape,
    trainLabels: Uint16Array.from(train, ({ label }) => label),
    testLabels: Uint16Array.from(test, ({ label }) => label),
    async *blocks() {
      yield* decodedBlocks(shape, rows.length, decodeRow);
      verify();
    },
  };
  await inCache(() => writePacked(to, classes, raw));
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
