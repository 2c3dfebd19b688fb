// How many times smaller a class's mask is than the median class's: what `audit` judges by.
//
// The paper's index counts in median absolute deviations, which of ten masks are a rough estimate, and in pixels, where a few
// large masks hide a tiny one. The factor needs no such estimate; what is unusual is told by clean classifiers (calibration.ts).
import { FEWEST_CLASSES, isNorm, median } from './anomaly-index.ts';

export interface SizeFactors {
  /** Median norm of the classes that have one, in pixels; undefined when none has. */
  readonly median: number | undefined;
  /** median / norm of each class; undefined where there is no norm. */
  readonly factors: readonly (number | undefined)[];
  /** The largest of them; undefined of fewer than three classes with a norm. */
  readonly score: number | undefined;
  /** The class with the smallest mask. */
  readonly smallest: number | undefined;
}

/** A mask smaller than this, in pixels, counts as this large. */
const LEAST_NORM = 1e-3;

/** @param norms as `anomalyIndices` takes them */
export function sizeFactors(norms: readonly (number | null | undefined)[]): SizeFactors {
  const known = norms.filter(isNorm);
  const center = median(known);
  const factors = norms.map((norm) =>
    isNorm(norm) && center !== undefined ? center / Math.max(norm, LEAST_NORM) : undefined,
  );
  const largest = Math.max(...factors.map((factor) => factor ?? 0));
  const enough = known.length >= FEWEST_CLASSES;
  return {
    ...{ median: center, factors, score: enough ? largest : undefined },
    smallest: enough ? factors.indexOf(largest) : undefined,
  };
}

/** Classes with a factor above `threshold`, the smallest mask first; none where there is no score. */
export function smallClasses({ factors, score }: SizeFactors, threshold: number): number[] {
  if (score === undefined) return [];
  return factors
    .flatMap((factor, i) => (factor !== undefined && factor > threshold ? [{ i, factor }] : []))
    .sort((a, b) => b.factor - a.factor)
    .map(({ i }) => i);
}
