// How much smaller than the median the smallest mask of a clean classifier is by chance: the false-positive rate of a threshold, and the threshold for a rate.
import { Rng } from '../../core/rng.ts';
import { type NullDistribution, nullDistribution } from './null-distribution.ts';
import type { CleanseSettings } from './settings.ts';
import { sizeFactors } from './size-factors.ts';

export interface Calibration {
  /** Classes that are compared. */
  readonly classes: number;
  /** Largest size factors of clean classifiers, ascending. */
  readonly scores: readonly number[];
  /** Clean classifiers behind them. */
  readonly models: number;
  /** `measured`: of that many classes. `resampled`: drawn from the classes of the same classifiers. */
  readonly kind: 'measured' | 'resampled';
  readonly provenance: string;
}

const RESAMPLED = 4000;

/**
 * The null distribution for so many classes. For another number than was measured, norms are drawn from all classes of all clean
 * classifiers, each relative to its classifier's median, as if they were independent.
 */
export function calibrate(classes: number, from: NullDistribution = nullDistribution): Calibration {
  const { norms, provenance } = from;
  const common = { classes, models: norms.length, provenance };
  if (classes === norms[0]?.length) {
    return {
      ...common,
      kind: 'measured',
      scores: ascending(norms.flatMap((own) => sizeFactors(own).score ?? [])),
    };
  }
  const pool = norms.flatMap((own) => {
    const { median } = sizeFactors(own);
    return median === undefined ? [] : own.flatMap((norm) => (norm === null ? [] : [norm / median]));
  });
  const rng = Rng.of(0, 'neural-cleanse', 'calibration', classes);
  const scores = Array.from({ length: RESAMPLED }, () => {
    const drawn = Array.from({ length: classes }, () => pool[rng.int(0, pool.length - 1)]);
    return sizeFactors(drawn).score ?? 1;
  });
  return { ...common, kind: 'resampled', scores: ascending(scores) };
}

const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b);

/** Clean classifiers whose score lies above `threshold`. */
export function exceeding({ scores }: Pick<Calibration, 'scores'>, threshold: number): number {
  return scores.filter((score) => score > threshold).length;
}

/** The smallest score of a clean classifier that at most a share `rate` of them exceed. */
export function thresholdAt({ scores }: Pick<Calibration, 'scores'>, rate: number): number {
  const allowed = Math.floor(rate * scores.length + 1e-9);
  return scores[scores.length - 1 - allowed] ?? Number.POSITIVE_INFINITY;
}

/** Chance that a clean classifier gets a score at least this large: (1 + those that do) / (1 + all), which is never 0. */
export function pValue({ scores }: Pick<Calibration, 'scores'>, score: number): number {
  return (1 + scores.filter((one) => one >= score).length) / (1 + scores.length);
}

/** Whether the settings are those that the null distribution was measured with: otherwise it says little of their indices. */
export function isCalibrated(settings: CleanseSettings, from: NullDistribution = nullDistribution): boolean {
  return JSON.stringify(settings) === JSON.stringify(from.settings);
}
