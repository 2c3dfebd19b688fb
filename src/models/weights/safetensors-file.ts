// Safetensors files on disk: read tensor by tensor, written tensor by tensor.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { inputError } from '../../core/errors.ts';
import { replaceFile } from '../../core/files.ts';
import type { Tensor } from '../../core/tensor.ts';
import { ELEMENT_TYPES } from './element-types.ts';
import type { FileBytes } from './file-bytes.ts';
import { bytesOf, headerLength, layoutSafetensors, readHeader } from './safetensors.ts';
import type { StoredTensor, WeightsFile } from './weights-file.ts';

/** Reads the header of a safetensors file. @throws TriggerlabError (input) when it is not well-formed. */
export async function readSafetensors(file: FileBytes): Promise<WeightsFile> {
  const length = headerLength(await file.head(8), file.size, file.path);
  const start = 8 + length;
  const { places, metadata } = readHeader(await file.read(8, start), file.size - start, file.path);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { stored, shape, from, to }] of places) {
    const { dtype } = ELEMENT_TYPES[stored];
    tensors.set(name, { dtype, stored, shape, bytes: to - from, offset: start + from });
  }
  return {
    path: file.path,
    format: 'safetensors',
    metadata,
    tensors,
    close: () => file.close(),
    async read(name) {
      const place = places.get(name);
      if (!place) throw inputError(`${file.path} has no tensor "${name.slice(0, 100)}"`);
      const { dtype, decode } = ELEMENT_TYPES[place.stored];
      const raw = await file.read(start + place.from, start + place.to);
      return { dtype, shape: place.shape, data: decode(raw.buffer) };
    },
  };
}

/**
 * Writes a safetensors file whole or not at all, one tensor in memory at a time. `fileName` makes its name out of its
 * SHA-256. Answers name, hash and length.
 */
export async function writeSafetensors(
  directory: string,
  fileName: (sha256: string) => string,
  tensors: Readonly<Record<string, Pick<Tensor, 'dtype' | 'shape'>>>,
  read: (name: string) => Promise<Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<{ file: string; sha256: string; bytes: number }> {
  const layout = layoutSafetensors(tensors, metadata);
  let sha256 = '';
  await replaceFile(join(directory, 'weights'), async (temporary) => {
    const hash = createHash('sha256').update(layout.head);
    const handle = await open(temporary, 'wx');
    try {
      await handle.appendFile(layout.head);
      for (const { name, bytes } of layout.places) {
        const content = bytesOf(await read(name));
        if (content.length !== bytes) throw new Error(`writeSafetensors: "${name}" is not what it was said to be`);
        hash.update(content);
        await handle.appendFile(content);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    sha256 = hash.digest('hex');
    return join(directory, fileName(sha256));
  });
  return { file: fileName(sha256), sha256, bytes: layout.bytes };
}
