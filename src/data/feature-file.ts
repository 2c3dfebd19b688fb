// A file of features: rows of float32 under their keys, written once, each row with its checksum.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { replaceFile } from '../core/files.ts';

/** Bytes of a row's key. */
export const KEY_BYTES = 16;

/** The first 16 bytes of a SHA-256, one character a byte or as 32 hexadecimal digits. */
export function keyHash(content: Uint8Array | string, form: 'latin1' | 'hex' = 'latin1'): string {
  return createHash('sha256').update(content).digest().toString(form, 0, KEY_BYTES);
}

const MAGIC = 0x31464c54;
const HEADER_BYTES = 16;
const ENTRY_BYTES = KEY_BYTES + 4;

/*
 * Little endian: magic, width and rows (uint32 each), CRC-32 of the table; the table, for each row its key and the CRC-32 of its
 * numbers; zeros up to a multiple of 64; the rows.
 */
const dataOffset = (rows: number) => Math.ceil((HEADER_BYTES + rows * ENTRY_BYTES) / 64) * 64;

export interface FeatureRows {
  /** Key of each row: `KEY_BYTES` characters of one byte each. */
  readonly keys: readonly string[];
  /** Row after row, keys.length · width. */
  readonly data: Float32Array;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

/** Bytes that a file of so many rows takes. */
export function featureFileBytes(rows: number, width: number): number {
  return dataOffset(rows) + 4 * rows * width;
}

/** Writes a file whole or not at all. */
export async function writeFeatureFile(path: string, { keys, data }: FeatureRows, width: number): Promise<void> {
  const head = Buffer.alloc(dataOffset(keys.length));
  keys.forEach((key, row) => {
    const at = HEADER_BYTES + row * ENTRY_BYTES;
    head.write(key, at, 'latin1');
    head.writeUInt32LE(crc32(bytesOf(data.subarray(row * width, (row + 1) * width))), at + KEY_BYTES);
  });
  const table = head.subarray(HEADER_BYTES, HEADER_BYTES + keys.length * ENTRY_BYTES);
  [MAGIC, width, keys.length, crc32(table)].forEach((value, i) => {
    head.writeUInt32LE(value, 4 * i);
  });
  await replaceFile(path, async (temporary) => {
    const file = await open(temporary, 'wx');
    try {
      await file.writev([head, bytesOf(data)]);
      await file.sync();
    } finally {
      await file.close();
    }
    return path;
  });
}

/** A file of features that was opened for reading. */
export class FeatureFile {
  readonly path: string;
  readonly keys: readonly string[];
  readonly width: number;
  readonly #checks: Uint32Array;
  #loaded: Float32Array | undefined;

  /** Reads the table. @throws Error when the file is not whole or not for rows of this width. */
  constructor(path: string, width: number) {
    this.path = path;
    this.width = width;
    const file = openSync(path, 'r');
    try {
      const head = readExactly(file, HEADER_BYTES, 0);
      const [magic, found, rows, check] = [0, 4, 8, 12].map((at) => head.readUInt32LE(at));
      if (magic !== MAGIC || found !== width) throw new Error('it does not begin as such a file should');
      if (fstatSync(file).size !== featureFileBytes(rows, width)) throw new Error('it has another length than it says');
      const table = readExactly(file, rows * ENTRY_BYTES, HEADER_BYTES);
      if (crc32(table) !== check) throw new Error('the checksum of its table is wrong');
      this.keys = Array.from({ length: rows }, (_, row) =>
        table.toString('latin1', row * ENTRY_BYTES, row * ENTRY_BYTES + KEY_BYTES),
      );
      this.#checks = Uint32Array.from(this.keys, (_, row) => table.readUInt32LE(row * ENTRY_BYTES + KEY_BYTES));
    } finally {
      closeSync(file);
    }
  }

  /** Bytes that `load` takes. */
  get bytes(): number {
    return 4 * this.keys.length * this.width;
  }

  get isLoaded(): boolean {
    return this.#loaded !== undefined;
  }

  /** Reads all rows into memory. */
  load(): void {
    const data = new Float32Array(this.keys.length * this.width);
    const file = openSync(this.path, 'r');
    try {
      readInto(file, bytesOf(data), dataOffset(this.keys.length));
    } finally {
      closeSync(file);
    }
    for (let row = 0; row < this.keys.length; row++) this.#verify(row, this.#part(data, row));
    this.#loaded = data;
  }

  /** Copies a row into `out`. `file` is an open descriptor of it, needed when it is not loaded. @throws Error when it is damaged. */
  read(row: number, out: Float32Array, file: () => number): void {
    if (this.#loaded) {
      out.set(this.#part(this.#loaded, row));
      return;
    }
    readInto(file(), bytesOf(out), dataOffset(this.keys.length) + 4 * row * this.width);
    this.#verify(row, out);
  }

  #part(data: Float32Array, row: number): Float32Array {
    return data.subarray(row * this.width, (row + 1) * this.width);
  }

  #verify(row: number, data: Float32Array): void {
    if (crc32(bytesOf(data)) !== this.#checks[row]) throw new Error(`the checksum of row ${row} is wrong`);
  }
}

function readExactly(file: number, length: number, at: number): Buffer {
  const bytes = Buffer.alloc(length);
  readInto(file, bytes, at);
  return bytes;
}

function readInto(file: number, out: Uint8Array, at: number): void {
  for (let done = 0; done < out.length; ) {
    const read = readSync(file, out, done, out.length - done, at + done);
    if (read === 0) throw new Error('it ends too early');
    done += read;
  }
}
