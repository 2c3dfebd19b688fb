// The fingerprint of a dataset: one hash over everything a run can see of it.
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256Pieces } from '../core/hash.ts';
import type { Dataset, ImageSource } from './dataset.ts';

const ROWS_PER_READ = 512;

/**
 * SHA-256 as 64 hexadecimal digits over train, then test; of each split the number of rows, height, width and channels
 * (32-bit little endian), the pixels row by row, and the labels (16-bit little endian). Names do not count.
 */
export function datasetFingerprint(dataset: Pick<Dataset, 'train' | 'test'>): string {
  const hash = sha256Pieces();
  for (const source of [dataset.train, dataset.test]) {
    hash.update(littleEndian(4, [source.count, source.height, source.width, source.channels]));
    for (const pixels of blocks(source)) hash.update(pixels);
    hash.update(littleEndian(2, source.labels));
  }
  return bytesToHex(hash.digest());
}

function* blocks(source: ImageSource): Generator<Uint8Array> {
  for (let first = 0; first < source.count; first += ROWS_PER_READ) {
    const length = Math.min(ROWS_PER_READ, source.count - first);
    yield source.read(Int32Array.from({ length }, (_, i) => first + i));
  }
}

function littleEndian(bytes: 2 | 4, values: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes * values.length));
  for (let i = 0; i < values.length; i++) {
    if (bytes === 2) view.setUint16(2 * i, values[i], true);
    else view.setUint32(4 * i, values[i], true);
  }
  return new Uint8Array(view.buffer);
}
