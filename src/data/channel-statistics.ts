// Mean and deviation of a dataset's channels: the numbers behind `preprocessing.normalization: dataset`.
import type { ImageSource } from './dataset.ts';
import type { Normalization } from './preprocessing-fields.ts';
import { pixelStatistics } from './statistics.ts';

const known = new WeakMap<ImageSource, Normalization>();

/**
 * Per-channel mean and standard deviation (of the population) of all pixels of a source, in [0, 1]; of grey images three times the
 * same. Counted level by level, so that they do not depend on the order of the images.
 */
export function channelStatistics(source: ImageSource): Normalization {
  const before = known.get(source);
  if (before) return before;
  const { mean: means, std: deviations } = pixelStatistics(source);
  // A channel of one level everywhere has no deviation to divide by.
  const moments = means.map((mean, c) => ({ mean: mean / 255, std: deviations[c] / 255 || 1 }));
  const three = moments.length === 3 ? moments : [moments[0], moments[0], moments[0]];
  const statistics = { mean: three.map(({ mean }) => mean), std: three.map(({ std }) => std) };
  known.set(source, statistics);
  return statistics;
}
