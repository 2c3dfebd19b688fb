// Mean and spread of the pixels of a split, channel by channel.
import type { ImageSource } from './dataset.ts';

export interface PixelStatistics {
  /** Of each channel, from 0 to 255. */
  readonly mean: readonly number[];
  /** Standard deviation of all pixels of a channel (over n), from 0 to 255. */
  readonly std: readonly number[];
}

const ROWS_PER_READ = 512;

/**
 * Reads every row once, in order. Counted level by level, so that nothing depends on the order of the images. `onRows` is
 * told how many rows are through.
 */
export function pixelStatistics(source: ImageSource, onRows: (done: number) => void = () => {}): PixelStatistics {
  const { channels, count } = source;
  const levels = Array.from({ length: channels }, () => new Float64Array(256));
  for (let first = 0; first < count; first += ROWS_PER_READ) {
    const length = Math.min(ROWS_PER_READ, count - first);
    const pixels = source.read(Int32Array.from({ length }, (_, i) => first + i));
    for (let c = 0; c < channels; c++) {
      const tally = levels[c];
      for (let at = c; at < pixels.length; at += channels) tally[pixels[at]]++;
    }
    onRows(first + length);
  }
  const found = levels.map(moments);
  return { mean: found.map(({ mean }) => mean), std: found.map(({ std }) => std) };
}

function moments(tally: Float64Array): { mean: number; std: number } {
  const count = tally.reduce((sum, n) => sum + n, 0);
  const mean = tally.reduce((sum, n, level) => sum + n * level, 0) / count;
  const variance = tally.reduce((sum, n, level) => sum + n * (level - mean) ** 2, 0) / count;
  return { mean, std: Math.sqrt(variance) };
}
