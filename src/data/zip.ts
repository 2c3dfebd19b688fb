// Reads files out of zip archives that we do not trust: bounded in number and size, nothing is ever unpacked to disk.
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';

export interface ZipArchive {
  /** Names of all files (not folders), `/` between their parts, in the archive's order. */
  readonly names: readonly string[];
  /**
   * The content of a file, checked against its size and CRC.
   * @throws TriggerlabError (input) when there is no such file, it is damaged, encrypted, or larger than `maxBytes`.
   */
  read(name: string, maxBytes: number): Promise<Buffer>;
}

/**
 * Opens an archive for the duration of `work` and closes it afterwards.
 * @throws TriggerlabError (input) when the file is missing, is no zip archive, holds more than `maxEntries` entries, the
 * same name twice, or names that point outside (absolute paths, `..`).
 */
export async function withZip<T>(
  path: string,
  maxEntries: number,
  work: (archive: ZipArchive) => Promise<T>,
): Promise<T> {
  let zip: ZipFile;
  try {
    zip = await openPromise(path, { autoClose: false });
  } catch (cause) {
    throw inputError(`cannot open ${path} as a zip archive: ${messageOf(cause)}`, {
      hint: 'Give the path of a complete .zip file.',
      cause,
    });
  }
  try {
    const entries = await listEntries(zip, path, maxEntries);
    return await work({ names: [...entries.keys()], read: (name, max) => readEntry(zip, path, entries, name, max) });
  } finally {
    zip.close();
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
      entries.set(entry.fileName, entry);
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

async function readEntry(
  zip: ZipFile,
  path: string,
  entries: ReadonlyMap<string, Entry>,
  name: string,
  maxBytes: number,
): Promise<Buffer> {
  const entry = entries.get(name);
  if (!entry) throw inputError(`${path} has no entry ${name}`);
  if (entry.uncompressedSize > maxBytes) {
    throw inputError(`${name} in ${path} is ${entry.uncompressedSize} bytes long, at most ${maxBytes} are read`);
  }
  try {
    // The stream ends with an error as soon as there is more or less data than the entry declares.
    const parts: Buffer[] = [];
    for await (const part of await zip.openReadStreamPromise(entry)) parts.push(part as Buffer);
    const content = Buffer.concat(parts);
    if (crc32(content) !== entry.crc32) throw new Error('its checksum differs');
    return content;
  } catch (cause) {
    throw inputError(`cannot read ${name} in ${path}: ${messageOf(cause)}`, {
      hint: 'Download the archive again.',
      cause,
    });
  }
}
