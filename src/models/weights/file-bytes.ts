// A file read at given places: what the weight formats are read from without loading them whole.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { inputError, messageOf } from '../../core/errors.ts';

/** One read call takes less than 2 GiB. */
const MAX_READ = 2 ** 30;

export class FileBytes {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  /** @throws TriggerlabError (input) when there is no such file. */
  static async open(path: string): Promise<FileBytes> {
    let handle: FileHandle | undefined;
    try {
      // Without O_NONBLOCK (which Windows does not have), opening a pipe waits for somebody to write into it.
      handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      const stats = await handle.stat();
      if (!stats.isFile()) throw new Error('it is no file');
      return new FileBytes(path, stats.size, handle);
    } catch (cause) {
      await handle?.close();
      throw inputError(`cannot open ${path}: ${messageOf(cause)}`, { hint: 'Give the path of a weights file.', cause });
    }
  }

  /** Bytes `from` (inclusive) to `to` (exclusive), in a buffer of their own. @throws RangeError beyond the end. */
  async read(from: number, to: number): Promise<Buffer<ArrayBuffer>> {
    if (from < 0 || from > to || to > this.size) throw new RangeError(`${this.path} has no bytes ${from} to ${to}`);
    const content = Buffer.from(new ArrayBuffer(to - from));
    for (let at = 0; at < content.length; ) {
      const { bytesRead } = await this.#handle.read(content, at, Math.min(MAX_READ, content.length - at), from + at);
      if (bytesRead === 0) throw inputError(`${this.path} became shorter while it was read`);
      at += bytesRead;
    }
    return content;
  }

  /** The first bytes, as many as there are up to `length`. */
  head(length: number): Promise<Buffer<ArrayBuffer>> {
    return this.read(0, Math.min(length, this.size));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
