// Mean and spread of the pixels of a split, channel by channel.
import type { ImageSource } from './dataset.ts';

export interface PixelStatistics {
  /** Of each channel, from 0 to 255. */
  readonly mean: readonly number[];
  /** Standard deviation of all pixels of a channel (over n), from 0 to 255. */
  readonly std: readonly number[];
}

const ROWS_PER_READ = 512;

/** Reads every row once, in order. Exact: levels are counted. `onRows` is told how many rows are through. */
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
  return { mean: levels.map((tally) => moments(tally).mean), std: levels.map((tally) => moments(tally).std) };
}

function moments(tally: Float64Array): { mean: number; std: number } {
  let [count, sum, squares] = [0, 0, 0];
  tally.forEach((times, level) => {
    count += times;
    sum += times * level;
    squares += times * level * level;
  });
  const mean = sum / count;
  return { mean, std: Math.sqrt(squares / count - mean * mean) };
}
