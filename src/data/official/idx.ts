// Reader of MNIST's IDX files, compressed or not: http://yann.lecun.com/exdb/mnist/ describes the format.
import { inputError } from '../../core/errors.ts';
import { unpackedBytes, unpackedFile } from '../../core/gunzip.ts';
import { bytesPerImage, type ImageShape } from '../../core/images.ts';
import type { RawImages, RowBlock } from '../dataset.ts';
import { records } from '../row-blocks.ts';

/** Unsigned bytes in one and in three dimensions. */
const LABELS_MAGIC = 0x0801;
const IMAGES_MAGIC = 0x0803;
const LABELS_HEADER = 8;
const IMAGES_HEADER = 16;
const MAX_ROWS = 1_000_000;
const HINT = 'Give the four IDX files as published: images and labels for training (train-…) and for testing (t10k-…).';

/**
 * Grey images of `shape` with labels below `classes` from training images, training labels, test images and test labels.
 * @throws TriggerlabError (input) naming the file that is damaged or does not go with the others.
 */
export async function openIdx(paths: readonly string[], shape: ImageShape, classes: number): Promise<RawImages> {
  const [trainImages, trainLabelsFile, testImages, testLabelsFile] = paths;
  const trainLabels = await readLabels(trainLabelsFile, classes);
  const testLabels = await readLabels(testLabelsFile, classes);
  return {
    ...shape,
    trainLabels,
    testLabels,
    async *blocks() {
      yield* imageBlocks(trainImages, shape, trainLabels.length, 0);
      yield* imageBlocks(testImages, shape, testLabels.length, trainLabels.length);
    },
  };
}

async function readLabels(path: string, classes: number): Promise<Uint16Array> {
  const bytes = await unpackedFile(path, LABELS_HEADER + MAX_ROWS);
  if (bytes.length < LABELS_HEADER || bytes.readUInt32BE(0) !== LABELS_MAGIC)
    throw wrong(path, 'no IDX file of labels');
  const count = bytes.readUInt32BE(4);
  if (count === 0 || count !== bytes.length - LABELS_HEADER) {
    throw wrong(path, `its header says ${count} labels, it has ${bytes.length - LABELS_HEADER}`);
  }
  const labels = Uint16Array.from(bytes.subarray(LABELS_HEADER));
  const odd = labels.findIndex((label) => label >= classes);
  if (odd >= 0) throw wrong(path, `label ${odd} is ${labels[odd]}, there are ${classes} classes`);
  return labels;
}

async function* imageBlocks(path: string, shape: ImageShape, count: number, row: number): AsyncGenerator<RowBlock> {
  const bytes = bytesPerImage(shape);
  let done = 0;
  for await (const block of records(pixelBytes(path, shape, count), bytes)) {
    if (done * bytes + block.length > count * bytes) throw wrong(path, `it goes on after its ${count} images`);
    const rows = Math.floor(block.length / bytes);
    yield { first: row + done, pixels: block.subarray(0, rows * bytes) };
    done += rows;
  }
  if (done !== count) throw wrong(path, `it ends after ${done} of ${count} images`);
}

/** What follows the header. */
async function* pixelBytes(path: string, shape: ImageShape, count: number): AsyncGenerator<Uint8Array> {
  let head = Buffer.alloc(0);
  let checked = false;
  for await (const part of unpackedBytes(path, IMAGES_HEADER + MAX_ROWS * bytesPerImage(shape))) {
    if (checked) {
      yield part;
      continue;
    }
    head = Buffer.concat([head, part]);
    if (head.length < IMAGES_HEADER) continue;
    checkHeader(path, head, shape, count);
    checked = true;
    yield head.subarray(IMAGES_HEADER);
  }
  if (!checked) throw wrong(path, 'no IDX file of images');
}

function checkHeader(path: string, head: Buffer, { height, width }: ImageShape, count: number): void {
  if (head.readUInt32BE(0) !== IMAGES_MAGIC) throw wrong(path, 'no IDX file of images');
  const [images, rows, columns] = [4, 8, 12].map((at) => head.readUInt32BE(at));
  if (rows !== height || columns !== width) {
    throw wrong(path, `images of ${columns} × ${rows} pixels, expected ${width} × ${height}`);
  }
  if (images !== count) throw wrong(path, `${images} images, but ${count} labels`);
}

function wrong(path: string, what: string) {
  return inputError(`${path}: ${what}`, { hint: HINT });
}
