// A dataset decoded into one file: header, labels, then the pixels of every row. Written whole or not at all, read by row.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { replaceFile } from '../core/files.ts';
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import type { Dataset, ImageSource, RawImages } from './dataset.ts';

/** Rows of the two splits lie one behind the other: training rows first. */
export interface PackedHeader extends ImageShape {
  readonly classes: readonly string[];
  readonly trainCount: number;
  readonly testCount: number;
}

const headerSchema = z.object({
  height: z.int().min(1),
  width: z.int().min(1),
  channels: z.literal([1, 3]),
  classes: z.array(z.string()),
  trainCount: z.int().min(0),
  testCount: z.int().min(0),
}) satisfies z.ZodType<PackedHeader>;

const MAGIC = 'TLIMAGES1\n';
const MAX_HEADER_BYTES = 10_000_000;
const PREFIX_BYTES = MAGIC.length + 4;

/**
 * Writes rows into a packed file by way of a temporary neighbour, so that several processes may write the same one. Holds
 * one block of rows at a time.
 * @throws what `raw` throws; nothing is left of the file then.
 */
export async function writePacked(
  path: string,
  classes: readonly string[],
  raw: RawImages,
  onRows: (done: number, total: number) => void = () => {},
): Promise<void> {
  const { height, width, channels, trainLabels, testLabels } = raw;
  const header: PackedHeader = {
    ...{ height, width, channels, classes },
    trainCount: trainLabels.length,
    testCount: testLabels.length,
  };
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(text.length, MAGIC.length);
  const total = trainLabels.length + testLabels.length;
  const numbers = Buffer.alloc(2 * total);
  [...trainLabels, ...testLabels].forEach((label, i) => {
    numbers.writeUInt16LE(label, 2 * i);
  });
  const front = Buffer.concat([prefix, text, numbers]);
  const bytes = bytesPerImage(header);
  await replaceFile(path, async (temporary) => {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(front);
      let done = 0;
      for await (const { first, pixels } of raw.blocks()) {
        await writeFully(file, pixels, front.length + first * bytes);
        done += pixels.length / bytes;
        onRows(done, total);
      }
      if (done !== total) throw new Error(`writePacked: ${done} of ${total} rows came`);
      await file.sync();
    } finally {
      await file.close();
    }
    return path;
  });
}

async function writeFully(file: FileHandle, pixels: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < pixels.length; ) {
    at += (await file.write(pixels, at, pixels.length - at, position + at)).bytesWritten;
  }
}

/**
 * Opens a packed file; it stays open as long as the process, so that its rows may be read at any time, even when the
 * file is removed meanwhile. Undefined when there is no such file, or it is not whole.
 */
export function openPacked(path: string): (PackedHeader & Pick<Dataset, 'train' | 'test'>) | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const packed = tryHeader(file);
  if (!packed) {
    closeSync(file);
    return undefined;
  }
  const { header, start } = packed;
  const rows = header.trainCount + header.testCount;
  const numbers = Buffer.alloc(2 * rows);
  readFully(file, numbers, start);
  const labels = Uint16Array.from({ length: rows }, (_, i) => numbers.readUInt16LE(2 * i));
  if (labels.some((label) => label >= header.classes.length)) {
    closeSync(file);
    return undefined;
  }
  const pixels = start + numbers.length;
  return {
    ...header,
    train: rowSource(file, header, pixels, labels.slice(0, header.trainCount)),
    test: rowSource(file, header, pixels + header.trainCount * bytesPerImage(header), labels.slice(header.trainCount)),
  };
}

/** A file whose header cannot be read counts as one that is not there: it is made again. */
function tryHeader(file: number): ReturnType<typeof readHeader> {
  try {
    return readHeader(file);
  } catch {
    return undefined;
  }
}

/** The header and where it ends, or undefined unless the file has exactly the length that its header asks for. */
function readHeader(file: number): { header: PackedHeader; start: number } | undefined {
  const { size } = fstatSync(file);
  if (size < PREFIX_BYTES) return undefined;
  const prefix = Buffer.alloc(PREFIX_BYTES);
  readFully(file, prefix, 0);
  const length = prefix.readUInt32LE(MAGIC.length);
  if (prefix.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  if (length > Math.min(MAX_HEADER_BYTES, size - PREFIX_BYTES)) return undefined;
  const text = Buffer.alloc(length);
  readFully(file, text, PREFIX_BYTES);
  const header = headerSchema.parse(JSON.parse(text.toString('utf8')));
  const start = PREFIX_BYTES + length;
  const rows = header.trainCount + header.testCount;
  return size === start + rows * (2 + bytesPerImage(header)) ? { header, start } : undefined;
}

function readFully(file: number, into: Uint8Array, position: number): void {
  for (let at = 0; at < into.length; ) {
    const got = readSync(file, into, at, into.length - at, position + at);
    if (got === 0) throw new Error('a packed dataset ended too early');
    at += got;
  }
}

function rowSource(file: number, shape: ImageShape, start: number, labels: Uint16Array): ImageSource {
  const { height, width, channels } = shape;
  const bytes = bytesPerImage(shape);
  return {
    height,
    width,
    channels,
    count: labels.length,
    labels,
    read(rows, out = new Uint8Array(rows.length * bytes)) {
      if (out.length < rows.length * bytes) throw new RangeError(`read: ${rows.length} rows do not fit`);
      for (let i = 0; i < rows.length; ) {
        let run = 1;
        while (i + run < rows.length && rows[i + run] === rows[i] + run) run++;
        for (const row of [rows[i], rows[i] + run - 1]) {
          if (!(Number.isInteger(row) && row >= 0 && row < labels.length)) {
            throw new RangeError(`read: row ${row} is not a whole number in [0, ${labels.length})`);
          }
        }
        readFully(file, out.subarray(i * bytes, (i + run) * bytes), start + rows[i] * bytes);
        i += run;
      }
      return out;
    },
  };
}
