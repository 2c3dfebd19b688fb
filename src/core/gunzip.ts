// Reads files that may be compressed with gzip, piece by piece and no further than a bound.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { inputError, messageOf, TriggerlabError } from './errors.ts';
import { formatBytes } from './format.ts';

/**
 * The content of a file, unpacked when it begins as gzip does.
 * @throws TriggerlabError (input) when it cannot be read, is damaged or cut short, or unpacks to more than `maxBytes`.
 */
export async function* unpackedBytes(path: string, maxBytes: number): AsyncGenerator<Buffer> {
  try {
    const packed = await isGzip(path);
    const source = createReadStream(path, { highWaterMark: 1 << 18 });
    const stream = packed ? source.pipe(createGunzip({ chunkSize: 1 << 18 })) : source;
    source.on('error', (error) => stream.destroy(error));
    try {
      let total = 0;
      for await (const part of stream as AsyncIterable<Buffer>) {
        total += part.length;
        if (total > maxBytes) {
          throw inputError(`${path} ${packed ? 'unpacks to' : 'has'} more than ${formatBytes(maxBytes)}`, {
            hint: 'It is another file than expected, or made to fill the memory.',
          });
        }
        yield part;
      }
    } finally {
      source.destroy();
      stream.destroy();
    }
  } catch (cause) {
    if (cause instanceof TriggerlabError) throw cause;
    throw inputError(`cannot read ${path}: ${messageOf(cause)}`, {
      hint: 'It is damaged or was cut short: fetch it again.',
      cause,
    });
  }
}

/** The whole content of a file, as `unpackedBytes`. */
export async function unpackedFile(path: string, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of unpackedBytes(path, maxBytes)) parts.push(part);
  return Buffer.concat(parts);
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
