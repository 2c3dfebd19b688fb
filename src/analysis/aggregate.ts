// Repeats put together: runs that share the named factors become one group with a mean and a spread per metric.
import type { RunMetrics, RunRecord } from '../store/records.ts';
import { type FactorValue, factorsOf, keyOf } from './factors.ts';

/** Metrics that are single numbers. */
export type MetricName = Exclude<keyof RunMetrics, 'epochLosses'>;

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
 * left out: count them separately.
 */
export function aggregate(runs: readonly RunRecord[], fields: readonly string[]): RunGroup[] {
  const groups = new Map<string, { key: Record<string, FactorValue>; runs: RunRecord[] }>();
  for (const run of runs) {
    if (run.status !== 'done' || !run.metrics) continue;
    const factors = factorsOf(run.spec);
    const values = fields.map((field) => factors[field] ?? null);
    const id = keyOf(values);
    const group = groups.get(id) ?? {
      key: Object.fromEntries(fields.map((field, at) => [field, values[at]])),
      runs: [],
    };
    group.runs.push(run);
    groups.set(id, group);
  }
  return [...groups.values()].map((group) => ({ ...group, n: group.runs.length, metrics: metricsOf(group.runs) }));
}

function metricsOf(runs: readonly RunRecord[]): RunGroup['metrics'] {
  const values = new Map<MetricName, number[]>();
  for (const { metrics } of runs) {
    for (const [name, value] of Object.entries(metrics ?? {})) {
      if (typeof value !== 'number' || !Number.isFinite(value)) continue;
      const list = values.get(name as MetricName) ?? [];
      list.push(value);
      values.set(name as MetricName, list);
    }
  }
  return Object.fromEntries([...values].map(([name, list]) => [name, summarize(list)]));
}
