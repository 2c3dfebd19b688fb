// Rows of a source of images as the graph inputs that preprocessing expects.
import { type Tensor, tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { TriggeredSource } from './poisoned-set.ts';

/** `image` and, for graphs that take a patch, `patch` (no patch on rows of a source without triggers). */
export function imageFeeds(
  source: ImageSource | TriggeredSource,
  rows: ArrayLike<number>,
  withPatch: boolean,
): Record<string, Tensor> {
  const shape = [rows.length, source.height, source.width, source.channels];
  const image = tensor('uint8', shape, source.read(rows));
  if (!withPatch) return { image };
  const boxes = 'boxes' in source ? source.boxes(rows) : new Int32Array(4 * rows.length);
  return { image, patch: tensor('int32', [rows.length, 4], boxes) };
}

/** Class indices of rows as int64 `labels`. */
export function labelFeed(source: ImageSource, rows: ArrayLike<number>): Tensor {
  return tensor('int64', [rows.length], BigInt64Array.from(Array.from(rows, (row) => BigInt(source.labels[row]))));
}

/** Images to evaluate at a time: results do not depend on it, memory does. */
export function evaluationBatch(inputSize: number): number {
  return Math.min(256, Math.max(16, Math.floor(2 ** 20 / inputSize ** 2)));
}
