// Reads files out of zip archives that we do not trust: bounded in number and size, nothing is ever unpacked to disk.
import { read } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { inputError, messageOf, TriggerlabError } from './errors.ts';

export interface ZipArchive {
  /** Names of all files (not folders), `/` between their parts, in the archive's order. */
  readonly names: readonly string[];
  /** Bytes of a file once unpacked, and whether it is stored as it is. @throws TriggerlabError (input) when there is no such file. */
  info(name: string): { readonly bytes: number; readonly stored: boolean };
  /**
   * The content of a file, checked against its size and CRC.
   * @throws TriggerlabError (input) when there is no such file, it is damaged, encrypted, or larger than `maxBytes`.
   */
  read(name: string, maxBytes: number): Promise<Buffer<ArrayBuffer>>;
  /**
   * Bytes `from` (inclusive) to `to` (exclusive) of a file, in a buffer of their own. The whole file is read and checked
   * against its CRC the first time; later only the part of a stored file.
   */
  readRange(name: string, from: number, to: number): Promise<Buffer<ArrayBuffer>>;
}

/**
 * Opens an archive, to be closed by the caller.
 * @throws TriggerlabError (input) when the file is missing, is no zip archive, holds more than `maxEntries` entries, the
 * same name twice, or names that point outside (absolute paths, `..`).
 */
export async function openZip(path: string, maxEntries: number): Promise<ZipArchive & { close(): void }> {
  let zip: ZipFile;
  try {
    zip = await openArchive(path);
  } catch (cause) {
    throw inputError(`cannot open ${path} as a zip archive: ${messageOf(cause)}`, {
      hint: 'Give the path of a complete .zip file.',
      cause,
    });
  }
  try {
    return new OpenArchive(zip, path, await listEntries(zip, path, maxEntries));
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function openArchive(path: string): Promise<ZipFile> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return await fromRandomAccessReaderPromise(new BoundedReader(file, size), size, { autoClose: false });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Bytes of a file that are read at a time. */
const PART_BYTES = 2 ** 18;

/** Reads within the file alone: yauzl's own reader throws past all handlers where an archive names a place that no file can have. */
class BoundedReader extends RandomAccessReader {
  readonly #file: FileHandle;
  readonly #size: number;

  constructor(file: FileHandle, size: number) {
    super();
    this.#file = file;
    this.#size = size;
  }

  override read(...[buffer, offset, length, position, callback]: Parameters<RandomAccessReader['read']>): void {
    if (position < 0 || position + length > this.#size) setImmediate(callback, new Error('it points beyond its end'));
    else read(this.#file.fd, buffer, offset, length, position, callback);
  }

  override _readStreamForRange(start: number, end: number) {
    if (start < 0 || end > this.#size) throw new Error('it points beyond its end');
    return Readable.from(this.#parts(start, end), { objectMode: false });
  }

  async *#parts(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(Math.min(PART_BYTES, end - at)), {
        position: at,
      });
      if (bytesRead === 0) throw new Error('it became shorter while it was read');
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  override close(callback: (error: Error | null) => void): void {
    this.#file.close().then(() => callback(null), callback);
  }
}

/** Opens an archive for the duration of `work` and closes it afterwards. @throws TriggerlabError (input) as `openZip`. */
export async function withZip<T>(
  path: string,
  maxEntries: number,
  work: (archive: ZipArchive) => Promise<T>,
): Promise<T> {
  const archive = await openZip(path, maxEntries);
  try {
    return await work(archive);
  } finally {
    archive.close();
  }
}

async function listEntries(zip: ZipFile, path: string, maxEntries: number): Promise<Map<string, Entry>> {
  if (zip.entryCount > maxEntries) {
    throw inputError(`${path} has ${zip.entryCount} entries, at most ${maxEntries} are read`);
  }
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      if (entries.has(entry.fileName)) throw inputError(`${path} has two entries named ${entry.fileName}`);
      entries.set(entry.fileName, essential(entry));
    }
  } catch (cause) {
    if (cause instanceof TriggerlabError) throw cause;
    throw inputError(`${path} is a damaged or unsafe zip archive: ${messageOf(cause)}`, {
      hint: 'Download the archive again.',
      cause,
    });
  }
  return entries;
}

/** Without names, comments and extra fields as bytes, which weigh more than all else: archives have 100,000 entries and more. */
function essential(entry: Entry): Entry {
  const { compressedSize, uncompressedSize, compressionMethod, crc32: sum } = entry;
  const { generalPurposeBitFlag, relativeOffsetOfLocalHeader } = entry;
  return Object.assign(new Entry(), {
    ...{ compressedSize, uncompressedSize, compressionMethod, crc32: sum },
    ...{ generalPurposeBitFlag, relativeOffsetOfLocalHeader },
  });
}

class OpenArchive implements ZipArchive {
  readonly names: readonly string[];
  readonly #zip: ZipFile;
  readonly #path: string;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #checked = new Set<string>();

  constructor(zip: ZipFile, path: string, entries: ReadonlyMap<string, Entry>) {
    this.#zip = zip;
    this.#path = path;
    this.#entries = entries;
    this.names = [...entries.keys()];
  }

  close(): void {
    this.#zip.close();
  }

  info(name: string): { bytes: number; stored: boolean } {
    const entry = this.#entry(name);
    return { bytes: entry.uncompressedSize, stored: entry.compressionMethod === 0 && !entry.isEncrypted() };
  }

  async read(name: string, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
    const { bytes } = this.info(name);
    if (bytes > maxBytes) {
      throw inputError(`${name} in ${this.#path} is ${bytes} bytes long, at most ${maxBytes} are read`);
    }
    return this.readRange(name, 0, bytes);
  }

  async readRange(name: string, from: number, to: number): Promise<Buffer<ArrayBuffer>> {
    const entry = this.#entry(name);
    const { bytes, stored } = this.info(name);
    if (from < 0 || from > to || to > bytes) throw new RangeError(`zip: ${name} has no bytes ${from} to ${to}`);
    try {
      const partly = stored && this.#checked.has(name);
      const stream = await this.#zip.openReadStreamPromise(entry, partly ? { start: from, end: to } : {});
      const content = Buffer.from(new ArrayBuffer(to - from));
      // The stream ends with an error as soon as there is more or less data than the entry declares.
      let at = partly ? from : 0;
      let sum = 0;
      for await (const part of stream as AsyncIterable<Buffer>) {
        if (!partly) sum = crc32(part, sum);
        const [first, last] = [Math.max(from, at), Math.min(to, at + part.length)];
        if (first < last) content.set(part.subarray(first - at, last - at), first - from);
        at += part.length;
      }
      if (at !== (partly ? to : bytes)) throw new Error('it ends too early');
      if (!partly && sum !== entry.crc32) throw new Error('its checksum differs');
      this.#checked.add(name);
      return content;
    } catch (cause) {
      throw inputError(`cannot read ${name} in ${this.#path}: ${messageOf(cause)}`, {
        hint: 'Download the archive again.',
        cause,
      });
    }
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (!entry) throw inputError(`${this.#path} has no entry ${name}`);
    return entry;
  }
}
