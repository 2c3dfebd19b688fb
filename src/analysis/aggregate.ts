// Repeats put together: runs that share the named factors become one group with a mean and a spread per metric.

import { Rng } from '../core/rng.ts';
import type { RunRecord } from '../store/records.ts';
import type { NumberMetric } from '../store/selection.ts';
import { type FactorValue, factorsOf, isClean, isDefended, keyOf, varyingFactors } from './factors.ts';
import type { Interval } from './intervals.ts';
import { meanWithInterval } from './mean-interval.ts';
import { percentileInterval, resamples } from './resample.ts';

/** Metrics that are single numbers. */
export type MetricName = NumberMetric;

/** A metric over the runs of a group that have it. */
export interface MetricSummary {
  readonly mean: number;
  /** Sample standard deviation (n − 1); null for fewer than two values. */
  readonly sd: number | null;
  readonly n: number;
}

export interface RunGroup {
  /** The shared values, by the field names asked for; null where the runs have no such factor. */
  readonly key: Readonly<Record<string, FactorValue>>;
  /** The runs, in the order given. */
  readonly runs: readonly RunRecord[];
  readonly n: number;
  /** Metrics that no run of the group has are left out. */
  readonly metrics: Readonly<Partial<Record<MetricName, MetricSummary>>>;
}

/** Mean and sample standard deviation (two passes) of some numbers; undefined for none. */
export function summarize(values: readonly number[]): MetricSummary | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: n < 2 ? null : Math.sqrt(squares / (n - 1)), n };
}

/**
 * Groups the finished runs by some factors (names as in `factorsOf`), in first-seen order. Runs that are not done are
 * left out: count them separately. So are, unless `defense` is one of the fields, runs under a defence beside others without it or
 * with another: means never go over both.
 */
export function aggregate(runs: readonly RunRecord[], fields: readonly string[]): RunGroup[] {
  const groups = new Map<unknown, { key: Record<string, FactorValue>; runs: RunRecord[] }>();
  for (const run of fields.includes('defense') ? runs : comparable(runs)) {
    if (run.status !== 'done' || !run.metrics) continue;
    const factors = factorsOf(run.spec);
    const values = fields.map((field) => factors[field] ?? null);
    // One plain value tells groups apart by itself.
    const id = values.length === 1 && typeof values[0] !== 'object' ? values[0] : keyOf(values);
    const group = groups.get(id);
    if (group) group.runs.push(run);
    else groups.set(id, { key: Object.fromEntries(fields.map((field, at) => [field, values[at]])), runs: [run] });
  }
  return [...groups.values()].map((group) => ({ ...group, n: group.runs.length, metrics: metricsOf(group.runs) }));
}

/** Runs that means may go over: all of them where none or one and the same defence was at work, else those without one. */
export function comparable<T extends Pick<RunRecord, 'spec'>>(runs: readonly T[]): readonly T[] {
  const types = new Set(runs.map(({ spec }) => spec.defense?.type));
  return types.size < 2 ? runs : runs.filter(({ spec }) => !isDefended(spec));
}

function metricsOf(runs: readonly RunRecord[]): RunGroup['metrics'] {
  const values = new Map<MetricName, number[]>();
  for (const { metrics } of runs) {
    for (const name in metrics) {
      const value: unknown = metrics[name as MetricName];
      if (typeof value !== 'number' || !Number.isFinite(value)) continue;
      const list = values.get(name as MetricName);
      if (list) list.push(value);
      else values.set(name as MetricName, [value]);
    }
  }
  return Object.fromEntries([...values].map(([name, list]) => [name, summarize(list)]));
}

export interface SeedUncertainty {
  /** Seeds that have the metric. */
  readonly seeds: number;
  /** 95 % t interval of the mean over seeds; null for fewer than two seeds. */
  readonly t: Interval | null;
  /** 95 % bootstrap percentile interval over seeds (all resamples where they are few); null for fewer than three seeds. */
  readonly bootstrap: Interval | null;
}

/**
 * How far the mean over other seeds may lie. Runs of one seed are averaged first: they share initialisation and poisoned
 * rows and are not independent. Undefined where no run has the metric.
 */
export function uncertaintyOf(group: RunGroup, name: MetricName): SeedUncertainty | undefined {
  const bySeed = new Map<number, number[]>();
  for (const { spec, metrics } of group.runs) {
    const value = metrics?.[name];
    if (typeof value === 'number' && Number.isFinite(value))
      bySeed.set(spec.seed, [...(bySeed.get(spec.seed) ?? []), value]);
  }
  const means = [...bySeed.values()].map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  if (means.length === 0) return undefined;
  const draws = resamples(means.length, Rng.of(0, 'aggregate'));
  const drawn = draws.map(({ counts }) => counts.reduce((sum, count, at) => sum + count * means[at], 0) / means.length);
  const weights = draws.map((draw) => draw.weight);
  return {
    seeds: means.length,
    t: meanWithInterval(means)?.interval ?? null,
    bootstrap: percentileInterval(drawn, weights) ?? null,
  };
}

/** Factors, other than the seed and those of the key, in which the runs of a group differ: what its means average over. */
export function mixedFactors(group: RunGroup): string[] {
  return varyingFactors(group.runs.map((run) => run.spec)).filter((name) => !(name in group.key));
}

/** Runs whose clean twin is among the runs but measured another accuracy than the run was compared with. */
export function unpairedRuns(runs: readonly RunRecord[]): RunRecord[] {
  const byId = new Map(runs.map((run) => [run.runId, run]));
  return runs.filter((run) => {
    if (run.status !== 'done' || !run.metrics || isClean(run.spec) || isDefended(run.spec)) return false;
    if (run.metrics.cleanBaselineAccuracy === null || run.twinId === null) return true;
    const twin = byId.get(run.twinId);
    return twin?.metrics != null && twin.metrics.cleanAccuracy !== run.metrics.cleanBaselineAccuracy;
  });
}
