// How many repeats an effect needs, from the variance between seeds that was measured.
import { noncentralTwoSided, tQuantile } from './distributions.ts';
import { type Observation, settingOf } from './observations.ts';

export interface RepeatsNeeded {
  /** Difference between two settings, as a share (0.05: five percentage points). */
  readonly effect: number;
  /** Repeats of each setting; null when more than `MAX_REPEATS`. */
  readonly repeats: number | null;
  /** What these repeats reach; null with `repeats`. */
  readonly power: number | null;
}

export interface PowerAnalysis {
  readonly response: 'asr' | 'cad';
  /** Settings with two or more seeds, and the repeats that the figures come from. */
  readonly settings: number;
  readonly degreesOfFreedom: number;
  /** Standard deviation between seeds of one setting, pooled over settings. */
  readonly sd: number;
  /** The same in a noisy setting: nine tenths of the settings vary less. */
  readonly highSd: number;
  /** Repeats for a power of 0.8 at the level 0.05, at the pooled and at the high standard deviation. */
  readonly needed: readonly {
    readonly effect: number;
    readonly typical: RepeatsNeeded;
    readonly noisy: RepeatsNeeded;
  }[];
}

export const MAX_REPEATS = 1000;
const EFFECTS = [0.01, 0.02, 0.05, 0.1, 0.2];

/** Undefined where no setting has two seeds. */
export function powerOf(observations: readonly Observation[], response: 'asr' | 'cad'): PowerAnalysis | undefined {
  const cells = new Map<number, number[]>();
  for (const one of observations) {
    const value = one[response];
    if (value === null) continue;
    const key = settingOf(one);
    const list = cells.get(key) ?? [];
    list.push(value);
    cells.set(key, list);
  }
  const variances = [...cells.values()].flatMap((values) => {
    if (values.length < 2) return [];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return [{ df: values.length - 1, squares }];
  });
  if (variances.length === 0) return undefined;
  const df = variances.reduce((sum, one) => sum + one.df, 0);
  const sd = Math.sqrt(variances.reduce((sum, one) => sum + one.squares, 0) / df);
  const sds = variances.map((one) => Math.sqrt(one.squares / one.df)).sort((a, b) => a - b);
  const highSd = sds[Math.min(sds.length - 1, Math.ceil(0.9 * sds.length) - 1)];
  return {
    response,
    settings: variances.length,
    degreesOfFreedom: df,
    sd,
    highSd,
    needed: EFFECTS.map((effect) => ({
      effect,
      typical: repeatsFor(effect, sd),
      noisy: repeatsFor(effect, highSd),
    })),
  };
}

/**
 * The smallest number of repeats of each of two settings with which a two-sided t test (level 0.05) finds a difference of
 * `effect` with a probability of at least `wanted`, when each setting varies by `sd` between seeds.
 */
export function repeatsFor(effect: number, sd: number, wanted = 0.8): RepeatsNeeded {
  if (!(sd > 0)) return { effect, repeats: 2, power: 1 };
  for (let repeats = 2; repeats <= MAX_REPEATS; repeats++) {
    const power = powerOfTest(effect / sd, repeats);
    if (power >= wanted) return { effect, repeats, power };
  }
  return { effect, repeats: null, power: null };
}

/** Power of the two-sample t test with `n` per group for a standardised difference, at the level 0.05. */
export function powerOfTest(difference: number, n: number): number {
  const df = 2 * n - 2;
  return noncentralTwoSided(tQuantile(0.975, df), df, Math.abs(difference) * Math.sqrt(n / 2));
}
