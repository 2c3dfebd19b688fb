// Adaptive repeats: which seeds of each setting to run, from what those before them measured.
import { canonicalJson } from '../core/hash.ts';
import type { AdaptiveRepeats } from '../spec/repeats.ts';
import type { PlannedRun } from '../spec/run-spec.ts';
import type { RunRecord } from '../store/records.ts';
import { meanWithInterval } from './mean-interval.ts';

/**
 * The runs of a plan that are wanted so far, in its order: of each attacked setting the first `min` seeds, then one more
 * as long as all before it are measured and the interval is too wide; and the clean twins of these. A setting with a run
 * that failed is not extended. Defended runs go with their bases. Pure: the same results, the same choice, whatever was interrupted in between.
 */
export function wantedRuns(
  planned: readonly PlannedRun[],
  repeats: AdaptiveRepeats,
  measured: readonly RunRecord[],
): PlannedRun[] {
  const results = new Map(measured.map((run) => [run.runId, run]));
  const settings = new Map<string, PlannedRun[]>();
  for (const run of planned) {
    if (run.baseId !== undefined) continue;
    const key = canonicalJson({ ...run.spec, seed: 0 });
    const own = settings.get(key);
    if (own) own.push(run);
    else settings.set(key, [run]);
  }
  const wanted = new Set<string>();
  const attacked = [...settings.values()].filter(([first]) => first.twinId !== undefined);
  // Clean runs alone are settings of their own; next to attacks they are there as twins.
  for (const setting of attacked.length > 0 ? attacked : settings.values()) {
    const ordered = [...setting].sort((a, b) => a.spec.seed - b.spec.seed);
    for (const run of ordered.slice(0, seedsOf(ordered, repeats, results))) {
      wanted.add(run.runId);
      if (run.twinId !== undefined) wanted.add(run.twinId);
    }
  }
  return planned.filter((run) => wanted.has(run.baseId ?? run.runId));
}

function seedsOf(
  ordered: readonly PlannedRun[],
  { min, max, metric, width }: AdaptiveRepeats,
  results: ReadonlyMap<string, RunRecord>,
): number {
  const last = Math.min(max, ordered.length);
  let seeds = Math.min(min, last);
  for (; seeds < last; seeds++) {
    const values = ordered.slice(0, seeds).map((run) => results.get(run.runId)?.metrics?.[metric]);
    if (values.some((value) => value === undefined || value === null)) return seeds;
    const interval = meanWithInterval(values as number[])?.interval;
    if (interval && interval.high - interval.low < width) return seeds;
  }
  return seeds;
}
