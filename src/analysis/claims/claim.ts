// A claim of the paper as a test: an effect, its interval over seeds, a verdict, and the runs behind it.
import { type FactorValue, keyOf } from '../factors.ts';
import type { Interval } from '../intervals.ts';
import { meanWithInterval, type SeedEstimate } from '../mean-interval.ts';
import type { Observation } from '../observations.ts';

export type Verdict = 'supported' | 'contradicted' | 'undecided';

/** What a defence did to one attacked model. */
export interface DefenceObservation {
  readonly id: string;
  readonly block: string;
  readonly defence: 'neural-cleanse' | 'fine-pruning';
  readonly dataset: string | null;
  readonly model: string | null;
  readonly attack: string | null;
  /** Share of pruned channels; 0 is fine-tuning alone. */
  readonly pruningRate: number | null;
  readonly asrBefore: number | null;
  readonly asrAfter: number | null;
  readonly detected: boolean | null;
}

/** What claims are tested on. */
export interface Evidence {
  readonly attacks: readonly Observation[];
  readonly defences: readonly DefenceObservation[];
}

export interface Effect {
  /** What the number is. */
  readonly label: string;
  readonly value: number;
  readonly unit: 'percentage points' | 'log-odds' | '%' | 'share of variance' | 'share of models';
}

export interface ClaimTest {
  /** Number of the claim and a letter for its parts. */
  readonly id: string;
  /** What is tested, as a sentence that can be true or false. */
  readonly statement: string;
  readonly test: (evidence: Evidence) => Finding;
}

export interface Finding {
  readonly verdict: Verdict;
  /** Why: what the interval says, or what is missing. */
  readonly reason: string;
  readonly effect: Effect | null;
  /** 95 %, in the effect's unit; with several comparisons at once corrected after Bonferroni. */
  readonly interval: Interval | null;
  /** Two-sided, for the effect being zero; null where the test is of another kind. */
  readonly p: number | null;
  readonly seeds: number;
  /** The runs or published rows behind it. */
  readonly runs: readonly string[];
}

export interface ClaimResult extends Finding {
  readonly id: string;
  readonly statement: string;
  /** `p` adjusted after Holm over all claims that have one. */
  readonly pHolm: number | null;
}

/** A claim that these runs do not bear on. */
export function missing(reason: string): Finding {
  return { verdict: 'undecided', reason, effect: null, interval: null, p: null, seeds: 0, runs: [] };
}

/**
 * A quantity estimated in each seed by itself, and a t interval over the seeds: whatever runs of one seed share cannot
 * make it too narrow. `comparisons` intervals hold together at 95 % (Bonferroni). Undefined where no seed gives a value.
 */
export function overSeeds(
  observations: readonly Observation[],
  estimate: (seed: readonly Observation[]) => number | undefined,
  comparisons = 1,
): SeedEstimate | undefined {
  const seeds = new Map<string, Observation[]>();
  for (const one of observations) {
    const seed = seeds.get(one.block);
    if (seed) seed.push(one);
    else seeds.set(one.block, [one]);
  }
  const values = [...seeds.values()].flatMap((seed) => {
    const value = estimate(seed);
    return value === undefined || !Number.isFinite(value) ? [] : [value];
  });
  return meanWithInterval(values, comparisons);
}

/** The verdict on "the effect is above `bound`" (or below it), from where the interval lies. */
export function judge(
  estimate: SeedEstimate | undefined,
  claimed: 'above' | 'below',
  effect: Omit<Effect, 'value'>,
  runs: readonly Observation[] | readonly DefenceObservation[],
  { bound = 0, scale = 1 }: { bound?: number; scale?: number } = {},
): Finding {
  if (!estimate) return missing('The runs do not allow an estimate.');
  const { value, interval, p, seeds } = estimate;
  const shown = { ...effect, value: value * scale };
  const bounds = interval && { low: interval.low * scale, high: interval.high * scale };
  const found = { effect: shown, interval: bounds, p: bound === 0 ? p : null, seeds, runs: runs.map((run) => run.id) };
  if (!interval) return { ...found, verdict: 'undecided', reason: 'One seed: no interval.' };
  const [yes, no] =
    claimed === 'above'
      ? [interval.low > bound, interval.high <= bound]
      : [interval.high < bound, interval.low >= bound];
  const line = bound === 0 ? 'zero' : `${Number((bound * scale).toPrecision(6))}`;
  if (yes || no) {
    const side = yes === (claimed === 'above') ? 'above' : 'below';
    return {
      ...found,
      verdict: yes ? 'supported' : 'contradicted',
      reason: `The whole interval lies ${side} ${line}.`,
    };
  }
  return { ...found, verdict: 'undecided', reason: `The interval holds ${line}.` };
}

/** Observations whose attack is of a type, or of any type that has a parameter. */
export function ofAttack(observations: readonly Observation[], type: string): Observation[] {
  return observations.filter((one) => one.factors.attack === type);
}

/** The distinct values of a factor, absent ones left out. */
export function valuesOf(observations: readonly Observation[], name: string): FactorValue[] {
  const seen = new Map<string, FactorValue>();
  for (const { factors } of observations) {
    const value = factors[name];
    if (value !== null && value !== undefined) seen.set(keyOf([value]), value);
  }
  return [...seen.values()];
}

export function meanAsr(observations: readonly Observation[]): number | undefined {
  const values = observations.flatMap((one) => one.asr ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Which of the paper's datasets a name stands for. */
export function datasetKind(value: FactorValue): 'mnist' | 'cifar10' | 'tiny-imagenet' | undefined {
  const name = String(value)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  if (name.startsWith('mnist')) return 'mnist';
  if (name.startsWith('cifar10') && !name.startsWith('cifar100')) return 'cifar10';
  return name.startsWith('tinyimagenet') ? 'tiny-imagenet' : undefined;
}

export function onDataset(
  observations: readonly Observation[],
  ...kinds: ReturnType<typeof datasetKind>[]
): Observation[] {
  return observations.filter((one) => kinds.includes(datasetKind(one.factors.dataset)) && one.factors.dataset != null);
}
