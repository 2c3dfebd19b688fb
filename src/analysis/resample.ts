// Bootstrap over blocks: how often each seed is drawn, and percentile intervals of what comes out.
import type { Rng } from '../core/rng.ts';
import type { Interval } from './intervals.ts';

export interface Resample {
  /** How often each block is drawn. */
  readonly counts: readonly number[];
  /** The probability of this resample, or 1 / (number of draws). */
  readonly weight: number;
}

/** Up to so many different resamples are enumerated instead of drawn: six blocks have 462. */
const ENUMERATED = 462;
const DRAWN = 400;

/** With fewer blocks there is no spread to speak of. */
export const FEWEST_BLOCKS = 3;

/**
 * Resamples of `blocks` blocks with replacement: all of them with their probabilities where they are few (the exact
 * bootstrap), else 400 random ones. Empty for fewer than three blocks.
 */
export function resamples(blocks: number, rng: Rng): readonly Resample[] {
  if (blocks < FEWEST_BLOCKS) return [];
  const all = enumerated.get(blocks) ?? multisets(blocks, blocks);
  if (all) {
    enumerated.set(blocks, all);
    return all;
  }
  return Array.from({ length: DRAWN }, () => {
    const counts = new Array<number>(blocks).fill(0);
    for (let i = 0; i < blocks; i++) counts[rng.int(0, blocks - 1)]++;
    return { counts, weight: 1 / DRAWN };
  });
}

const enumerated = new Map<number, Resample[]>();

/** All ways to draw `size` of `kinds` with replacement, with multinomial probabilities; undefined when there are too many. */
function multisets(kinds: number, size: number): Resample[] | undefined {
  if (kinds > 6) return undefined;
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const found: Resample[] = [];
  const extend = (counts: number[], left: number) => {
    if (counts.length === kinds - 1) {
      const whole = [...counts, left];
      const ways = whole.reduce((product, count) => product / factorial(count), factorial(size));
      found.push({ counts: whole, weight: ways / kinds ** size });
      return;
    }
    for (let count = 0; count <= left; count++) extend([...counts, count], left - count);
  };
  extend([], size);
  return found.length <= ENUMERATED ? found : undefined;
}

/** Percentile interval (95 %) of values with weights that add up to 1; undefined for no values. */
export function percentileInterval(values: readonly number[], weights: readonly number[]): Interval | undefined {
  if (values.length === 0) return undefined;
  const order = values.map((_, at) => at).sort((a, b) => values[a] - values[b]);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const quantile = (probability: number) => {
    let sum = 0;
    for (const at of order) {
      sum += weights[at];
      if (sum >= probability * total - 1e-12) return values[at];
    }
    return values[order[order.length - 1]];
  };
  return { low: quantile(0.025), high: quantile(0.975) };
}
