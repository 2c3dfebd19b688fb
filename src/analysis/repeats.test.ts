import { describe, expect, it } from 'vitest';
import { syntheticRun } from '../report/synthetic-runs.fixture.ts';
import { experimentFrom } from '../spec/parse.ts';
import { type Plan, planExperiment } from '../spec/plan.ts';
import type { RunRecord } from '../store/records.ts';
import { wantedRuns } from './repeats.ts';

const spec = (repeats: unknown) => ({
  ...{ name: 'x', dataset: 'mnist10k', model: 'resnet-mini', repeats },
  attack: { type: 'badnets', size: [0.08, 0.16], poisonRate: 0.02 },
});
const adaptive = { min: 3, max: 6, until: 'ci(asr) < 0.05' };

function measure(plan: Plan, asr: (size: number, seed: number) => number | null): RunRecord[] {
  return plan.runs.map((run) => {
    const record = syntheticRun(run.spec, { runId: run.runId });
    const size = Number((run.spec.attack as { size?: number }).size);
    const value = asr(size, run.spec.seed);
    if (value === null) return { ...record, status: 'failed', metrics: null };
    return { ...record, metrics: record.metrics && { ...record.metrics, asr: run.twinId ? value : null } };
  });
}

describe('repeats: {min, max, until}', () => {
  const plan = planExperiment(experimentFrom(spec(adaptive)));
  const repeats = plan.repeats;
  if (!repeats) throw new Error('the plan has no adaptive repeats');
  const seeds = (records: readonly RunRecord[], size: number) =>
    wantedRuns(plan.runs, repeats, records).flatMap((run) =>
      (run.spec.attack as { size?: number }).size === size ? [run.spec.seed] : [],
    );

  it('is read from the spec, and plans all seeds it may come to', () => {
    expect(repeats).toEqual({ min: 3, max: 6, metric: 'asr', width: 0.05 });
    expect([plan.poisonedRuns, plan.cleanRuns]).toEqual([12, 6]);
    expect(planExperiment(experimentFrom(spec(3))).repeats).toBeUndefined();
  });

  it('begins with the fewest and their twins', () => {
    const first = wantedRuns(plan.runs, repeats, []);
    expect(first.map((run) => run.spec.seed)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(first.filter((run) => run.twinId === undefined)).toHaveLength(3);
  });

  it('goes on where the interval is wide, by one seed at a time, up to max', () => {
    const all = measure(plan, (size, seed) => (size === 0.08 ? 0.5 + 0.1 * (seed % 2) : 0.9 + 0.001 * seed));
    const upTo = (count: number) => all.filter((run) => run.spec.seed < count);
    expect(seeds(upTo(3), 0.08)).toEqual([0, 1, 2, 3]);
    expect(seeds(upTo(3), 0.16)).toEqual([0, 1, 2]);
    expect(seeds(all, 0.08)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('does not go on after a failure', () => {
    const failed = measure(plan, (_, seed) => (seed === 1 ? null : 0.1 * seed));
    expect(seeds(failed, 0.08)).toEqual([0, 1, 2]);
  });

  it('refuses what it does not understand', () => {
    for (const wrong of [
      { max: 5 },
      { min: 5, max: 3, until: 'ci(asr) < 0.05' },
      { min: 3, max: 5, until: 'ci(acc) < 0.05' },
      { min: 3, max: 5, until: 'ci(asr) < 5' },
      { min: 3, max: 5, until: 'ci(asr) < 0.05', more: 1 },
    ]) {
      expect(() => experimentFrom(spec(wrong))).toThrow(/repeats/);
    }
  });
});
