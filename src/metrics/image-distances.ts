// How far two images are apart, level by level.

/** @throws RangeError for no values at all, or two different numbers of them. */
function check(metric: string, before: ArrayLike<number>, after: ArrayLike<number>): void {
  if (before.length === after.length && before.length > 0) return;
  throw new RangeError(`${metric}: ${before.length} and ${after.length} values, expected as many, and at least one`);
}

/** L∞: the largest absolute difference, in the unit of the values. */
export function largestDifference(before: ArrayLike<number>, after: ArrayLike<number>): number {
  check('largestDifference', before, after);
  let largest = 0;
  for (let i = 0; i < before.length; i++) largest = Math.max(largest, Math.abs(after[i] - before[i]));
  return largest;
}

/** L2: the Euclidean norm of the difference over all pixels and channels, in the unit of the values. */
export function euclideanDistance(before: ArrayLike<number>, after: ArrayLike<number>): number {
  check('euclideanDistance', before, after);
  let sum = 0;
  for (let i = 0; i < before.length; i++) sum += (after[i] - before[i]) ** 2;
  return Math.sqrt(sum);
}

/** Peak signal-to-noise ratio in dB, 10·log10(range² / mean squared error); infinite for equal images. */
export function peakSignalToNoise(before: ArrayLike<number>, after: ArrayLike<number>, range = 255): number {
  check('peakSignalToNoise', before, after);
  return 10 * Math.log10((range ** 2 * before.length) / euclideanDistance(before, after) ** 2);
}
