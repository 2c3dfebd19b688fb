// Rows of a source of images as the graph inputs that preprocessing expects.
import { type Tensor, tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { TriggeredSource } from './poisoned-set.ts';

/** The graph inputs of a network's preprocessing: `image` and, where it has one, `overlay` (nothing over rows without a trigger). */
export function imageFeeds(
  source: ImageSource | TriggeredSource,
  rows: ArrayLike<number>,
  { overlay, inputSize }: Pick<Preprocessing, 'overlay' | 'inputSize'>,
): Record<string, Tensor> {
  const shape = [rows.length, source.height, source.width, source.channels];
  const image = tensor('uint8', shape, source.read(rows));
  if (!overlay) return { image };
  const bytes = 4 * inputSize * inputSize;
  const rgba = new Uint8Array(rows.length * bytes);
  if ('clean' in source) {
    for (let i = 0; i < rows.length; i++) {
      const over = source.overlay(rows[i]);
      if (over) rgba.set(over, i * bytes);
    }
  }
  return { image, overlay: tensor('uint8', [rows.length, inputSize, inputSize, 4], rgba) };
}

/** Class indices of rows as int64 `labels`. */
export function labelFeed(source: ImageSource, rows: ArrayLike<number>): Tensor {
  return tensor('int64', [rows.length], BigInt64Array.from(Array.from(rows, (row) => BigInt(source.labels[row]))));
}

/** Images to evaluate at a time: results do not depend on it, memory does. */
export function evaluationBatch(inputSize: number): number {
  return Math.min(256, Math.max(16, Math.floor(2 ** 20 / inputSize ** 2)));
}
