// Published figures beside ours, setting by setting: both means, their difference, and how sure it is.
import { tQuantile } from '../distributions.ts';
import { type FactorValue, keyOf } from '../factors.ts';
import type { Interval } from '../intervals.ts';
import type { Observation } from '../observations.ts';

export interface Side {
  readonly mean: number;
  readonly sd: number | null;
  readonly n: number;
}

export interface Comparison {
  /** The factors that both sides have, with the values they agree in. */
  readonly setting: Readonly<Record<string, FactorValue>>;
  readonly measure: 'asr' | 'cleanAccuracy';
  readonly ours: Side;
  readonly theirs: Side;
  /** Ours minus theirs. */
  readonly difference: number;
  /** 95 %, Welch's t; null where one side has a single value. */
  readonly interval: Interval | null;
}

export type MatchBy = 'model' | 'family';

/** Fields of a setting that published results may have. */
const MATCHED = ['dataset', 'model', 'attack', 'poisonRate', 'size', 'position', 'color'] as const;

/**
 * Compares settings that both sides measured. Fields that their results do not have are averaged over on our side, so
 * `averaged` names those that vary. By `family`, resnet-mini and resnet152 count as one model.
 */
export function compare(
  ours: readonly Observation[],
  theirs: readonly Observation[],
  by: MatchBy,
): { comparisons: Comparison[]; averaged: string[] } {
  const fields = MATCHED.filter((name) => theirs.some((one) => one.factors[name] != null));
  const keyed = (observations: readonly Observation[]) => {
    const groups = new Map<string, { setting: Record<string, FactorValue>; own: Observation[] }>();
    for (const one of observations) {
      const setting = Object.fromEntries(fields.map((name) => [name, comparable(name, one.factors[name], by)]));
      const key = keyOf(fields.map((name) => setting[name]));
      const group = groups.get(key) ?? { setting, own: [] };
      group.own.push(one);
      groups.set(key, group);
    }
    return groups;
  };
  const [mine, published] = [keyed(ours), keyed(theirs)];
  const averaged = new Set<string>();
  const comparisons = [...published].flatMap(([key, { setting, own }]) => {
    const match = mine.get(key);
    if (!match) return [];
    for (const name of Object.keys(match.own[0].factors)) {
      const values = new Set(match.own.map((one) => keyOf([one.factors[name]])));
      if (values.size > 1) averaged.add(name);
    }
    return (['asr', 'cleanAccuracy'] as const).flatMap((measure) => {
      const [a, b] = [sideOf(match.own, measure), sideOf(own, measure)];
      if (!a || !b) return [];
      return [{ setting, measure, ours: a, theirs: b, difference: a.mean - b.mean, interval: welch(a, b) }];
    });
  });
  return { comparisons, averaged: [...averaged] };
}

function comparable(name: string, value: FactorValue, by: MatchBy): FactorValue {
  if (typeof value !== 'string') return value ?? null;
  if (name === 'dataset') return value.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (name === 'model' && by === 'family')
    return /^(?:alexnet|googlenet|vgg|(?:preact)?resnet)/.exec(value)?.[0] ?? value;
  return value;
}

function sideOf(observations: readonly Observation[], measure: 'asr' | 'cleanAccuracy'): Side | undefined {
  const values = observations.flatMap((one) => one[measure] ?? []);
  const n = values.length;
  if (n === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: n < 2 ? null : Math.sqrt(squares / (n - 1)), n };
}

/** Interval of a difference of means with unequal variances (B. L. Welch, Biometrika 34 (1947) 28-35). */
function welch(a: Side, b: Side): Interval | null {
  if (a.sd === null || b.sd === null) return null;
  const [u, v] = [a.sd ** 2 / a.n, b.sd ** 2 / b.n];
  if (u + v === 0) return { low: a.mean - b.mean, high: a.mean - b.mean };
  const df = (u + v) ** 2 / (u ** 2 / (a.n - 1) + v ** 2 / (b.n - 1));
  // Rounded down: the quantile takes whole degrees of freedom, and fewer are the safer side.
  const half = tQuantile(0.975, Math.max(1, Math.floor(df))) * Math.sqrt(u + v);
  return { low: a.mean - b.mean - half, high: a.mean - b.mean + half };
}
