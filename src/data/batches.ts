// The order in which an epoch visits its rows.
import type { Rng } from '../core/rng.ts';

/**
 * The row numbers 0 … count-1 in random order, cut into batches of `batchSize`; the last may be smaller, as with
 * PyTorch's `DataLoader(shuffle=True)`. Advances `rng`: give every epoch its own stream, or the same one in turn.
 * @throws RangeError unless `count` is a whole number ≥ 0 and `batchSize` a whole number ≥ 1.
 */
export function epochBatches(count: number, batchSize: number, rng: Rng): Int32Array[] {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`epochBatches: count ${count}, expected ≥ 0`);
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`epochBatches: batch size ${batchSize}, expected a whole number ≥ 1`);
  }
  const order = rng.permutation(count);
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, i) =>
    order.subarray(i * batchSize, Math.min((i + 1) * batchSize, count)),
  );
}
