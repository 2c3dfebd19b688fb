// How sure we are of a share: mean ± sd where seeds repeat, an interval from the number of images where they do not.
import type { RunGroup } from './aggregate.ts';

/** Bounds of an interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % quantile of the standard normal distribution: two-sided 95 % intervals. */
const Z95 = 1.959963984540054;

/**
 * Wilson's score interval (95 %) for a share of `n` independent trials: E. B. Wilson, "Probable inference, the law of
 * succession, and statistical inference", JASA 22 (1927) 209-212. Never leaves [0, 1] and keeps its width at 0 and 1.
 * @throws RangeError for a share outside [0, 1] or n < 1.
 */
export function wilson(share: number, n: number): Interval {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`wilson: share ${share} is outside [0, 1]`);
  if (!(n >= 1)) throw new RangeError(`wilson: n = ${n}, expected at least 1`);
  const z2 = Z95 ** 2;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  // Rounding must not push a bound past the share itself.
  return { low: Math.min(share, Math.max(0, centre - half)), high: Math.max(share, Math.min(1, centre + half)) };
}

/**
 * Interval (95 %) for `a − b`, two shares of `n` trials each: the hybrid score method (no. 10) of R. G. Newcombe,
 * "Interval estimation for the difference between independent proportions", Statistics in Medicine 17 (1998) 873-890.
 * Two models tested on the same images agree more than independent ones: the interval is then too wide, not too narrow.
 */
export function newcombe(a: number, b: number, n: number): Interval {
  const [first, second] = [wilson(a, n), wilson(b, n)];
  return {
    low: a - b - Math.hypot(a - first.low, second.high - b),
    high: a - b + Math.hypot(first.high - a, b - second.low),
  };
}

/** The shares of a run that reports show with their uncertainty. */
export type ShareName =
  | 'cleanAccuracy'
  | 'asr'
  | 'asrInclusive'
  | 'falseTriggerRate'
  | 'naturalAsr'
  | 'cleanBaselineAccuracy'
  | 'cad';

export interface ShareEstimate extends Interval {
  readonly mean: number;
  readonly sd: number | null;
  readonly n: number;
  /** `sd`: low and high are mean ∓ sd. `images`: a 95 % interval for one run. `unknown`: low = high = mean. */
  readonly kind: 'sd' | 'images' | 'unknown';
}

/** A share of a group with its uncertainty; undefined when no run of the group measured it. */
export function shareOf(group: Pick<RunGroup, 'metrics'>, name: ShareName): ShareEstimate | undefined {
  const summary = group.metrics[name];
  if (!summary) return undefined;
  const { mean, sd, n } = summary;
  if (sd !== null) {
    const floor = name === 'cad' ? -1 : 0;
    return { mean, sd, n, low: Math.max(floor, mean - sd), high: Math.min(1, mean + sd), kind: 'sd' };
  }
  const interval = imageInterval(group, name, mean);
  return {
    mean,
    sd,
    n,
    low: interval?.low ?? mean,
    high: interval?.high ?? mean,
    kind: interval ? 'images' : 'unknown',
  };
}

function imageInterval(group: Pick<RunGroup, 'metrics'>, name: ShareName, mean: number): Interval | undefined {
  // How many images a false trigger rate is over is not recorded.
  if (name === 'falseTriggerRate') return undefined;
  const tested = group.metrics.testImages?.mean;
  if (name === 'cad') {
    const [before, after] = [group.metrics.cleanBaselineAccuracy?.mean, group.metrics.cleanAccuracy?.mean];
    return tested && before !== undefined && after !== undefined ? newcombe(before, after, tested) : undefined;
  }
  const attacked = name === 'asr' || name === 'naturalAsr';
  const images = attacked ? group.metrics.attackedImages?.mean : tested;
  return images ? wilson(mean, images) : undefined;
}
