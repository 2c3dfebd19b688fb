// Mean and deviation of a dataset's channels: the numbers behind `preprocessing.normalization: dataset`.
import type { ImageSource } from './dataset.ts';
import type { Normalization } from './preprocessing-fields.ts';

const ROWS_PER_READ = 256;
const known = new WeakMap<ImageSource, Normalization>();

/**
 * Per-channel mean and standard deviation (of the population) of all pixels of a source, in [0, 1]; of grey images three times the
 * same. Counted level by level, so that they do not depend on the order of the images.
 */
export function channelStatistics(source: ImageSource): Normalization {
  const before = known.get(source);
  if (before) return before;
  const { channels, count } = source;
  const levels = Array.from({ length: channels }, () => new Float64Array(256));
  for (let first = 0; first < count; first += ROWS_PER_READ) {
    const rows = Array.from({ length: Math.min(ROWS_PER_READ, count - first) }, (_, i) => first + i);
    const pixels = source.read(rows);
    for (let c = 0; c < channels; c++) for (let i = c; i < pixels.length; i += channels) levels[c][pixels[i]]++;
  }
  const moments = levels.map(momentsOf);
  const three = channels === 3 ? moments : [moments[0], moments[0], moments[0]];
  const statistics = { mean: three.map(({ mean }) => mean), std: three.map(({ std }) => std) };
  known.set(source, statistics);
  return statistics;
}

function momentsOf(histogram: Float64Array): { mean: number; std: number } {
  const count = histogram.reduce((sum, n) => sum + n, 0);
  const mean = histogram.reduce((sum, n, level) => sum + n * level, 0) / count;
  const variance = histogram.reduce((sum, n, level) => sum + n * (level - mean) ** 2, 0) / count;
  // A channel of one level everywhere has no deviation to divide by.
  return { mean: mean / 255, std: Math.sqrt(variance) / 255 || 1 };
}
