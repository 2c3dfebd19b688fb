// Checksums of files of any size, read piece by piece.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export interface FileDigests {
  readonly sha256: string;
  /** For comparison with what others published; no safeguard against forgery. */
  readonly md5: string;
  readonly bytes: number;
}

/** SHA-256 and MD5 of a file's content in hexadecimal digits. @throws the file system's own error when it cannot be read. */
export async function fileDigests(path: string): Promise<FileDigests> {
  const [sha256, md5] = [createHash('sha256'), createHash('md5')];
  let bytes = 0;
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    sha256.update(part);
    md5.update(part);
    bytes += part.length;
  }
  return { sha256: sha256.digest('hex'), md5: md5.digest('hex'), bytes };
}

/** SHA-256 of a file's content as 64 hexadecimal digits. @throws the file system's own error when it cannot be read. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(part as Buffer);
  return hash.digest('hex');
}
