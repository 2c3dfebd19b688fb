// The mean of independent values, one per seed, with its t interval.
import { tQuantile, tTwoSided } from './distributions.ts';
import type { Interval } from './intervals.ts';

export interface SeedEstimate {
  readonly value: number;
  readonly interval: Interval | null;
  readonly p: number | null;
  readonly seeds: number;
}

/** Mean and t interval of independent values; no interval for one value. Undefined for none. */
export function meanWithInterval(values: readonly number[], comparisons = 1): SeedEstimate | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { value: mean, interval: null, p: null, seeds: n };
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const error = sd / Math.sqrt(n);
  const half = tQuantile(1 - 0.025 / comparisons, n - 1) * error;
  const p = error > 0 ? tTwoSided(mean / error, n - 1) : mean === 0 ? 1 : 0;
  return { value: mean, interval: { low: mean - half, high: mean + half }, p, seeds: n };
}
