// Poisoning in place: which training rows carry the trigger, and what a source of images looks like with it.
import { bytesPerImage } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { Box, Trigger } from '../triggers/trigger.ts';

/**
 * The rows poisoned at a rate: the first of one seeded order, so that a smaller rate's rows are among a larger rate's.
 * Any class may be poisoned. At least one row for a rate above 0.
 */
export function poisonedRows(count: number, rate: number, seed: number): Int32Array {
  const rows = rate > 0 ? Math.max(1, Math.round(rate * count)) : 0;
  return Rng.of(seed, 'poisoned-rows').permutation(count).slice(0, rows);
}

/** Images where some rows carry a trigger. */
export interface TriggeredSource extends ImageSource {
  /** The images without it. */
  readonly clean: ImageSource;
  readonly triggeredRows: ArrayLike<number> & Iterable<number>;
  /** Where a patch stamped at input size lies on each of the given rows: [top, left, bottom, right], zeros for none. */
  boxes(rows: ArrayLike<number>): Int32Array;
}

/**
 * `source` with the trigger on `rows` and, where `target` is given, their labels set to it.
 * Each image's own random stream is named by seed, split and row, so that it does not depend on the poisoning rate.
 */
export function withTrigger(
  source: ImageSource,
  trigger: Trigger,
  rows: ArrayLike<number>,
  options: { seed: number; split: 'train' | 'test'; target?: number },
): TriggeredSource {
  const bytes = bytesPerImage(source);
  const stream = (row: number) => Rng.of(options.seed, 'trigger', options.split, row);
  const labels = Uint16Array.from(source.labels);
  const stamped = new Map<number, Uint8Array>();
  const placed = new Map<number, Box>();
  const pixels = source.read(rows);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (options.target !== undefined) labels[row] = options.target;
    if (trigger.stampAt === 'input' && trigger.patch) {
      placed.set(row, trigger.patch.box(stream(row)));
    } else {
      const image = pixels.subarray(i * bytes, (i + 1) * bytes);
      trigger.apply(
        { height: source.height, width: source.width, channels: source.channels, pixels: image },
        stream(row),
      );
      stamped.set(row, image);
    }
  }
  return {
    height: source.height,
    width: source.width,
    channels: source.channels,
    count: source.count,
    labels,
    clean: source,
    triggeredRows: Array.from(rows),
    read(wanted, out) {
      const result = source.read(wanted, out);
      for (let i = 0; i < wanted.length; i++) {
        const image = stamped.get(wanted[i]);
        if (image) result.set(image, i * bytes);
      }
      return result;
    },
    boxes(wanted) {
      const result = new Int32Array(4 * wanted.length);
      for (let i = 0; i < wanted.length; i++) {
        const box = placed.get(wanted[i]);
        if (box) result.set([box.top, box.left, box.top + box.height, box.left + box.width], 4 * i);
      }
      return result;
    },
  };
}
