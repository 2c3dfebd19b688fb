// What defences did, as numbers for tables and charts: repeats of a setting put together, with their four figures or their findings.
import { factorsOf, isDefended, keyOf } from '../analysis/factors.ts';
import type { RunRecord } from '../store/records.ts';

/** A mean over the runs of a setting, with its sample standard deviation where there are two or more. */
export interface MeanFigure {
  readonly mean: number;
  readonly sd: number | null;
  readonly n: number;
}

/** The stages of a repair in the order in which they are told. */
export const STAGES = [
  { name: 'attacked', title: 'as attacked' },
  { name: 'pruned', title: 'pruned only' },
  { name: 'fineTuned', title: 'fine-tuned only' },
  { name: 'repaired', title: 'after the defence' },
] as const;

export type StageName = (typeof STAGES)[number]['name'];

export function doneUnderDefence(runs: readonly RunRecord[]): RunRecord[] {
  return runs.filter(({ spec, status, metrics }) => isDefended(spec) && status === 'done' && metrics !== null);
}

/** Whether a run's defence changed the network: its figures then have a before and an after. */
export function isRepair({ defense }: RunRecord): boolean {
  return typeof defense?.metrics.attackedCleanAccuracy === 'number';
}

/** Runs of each setting: all factors but the seed are the same. In first-seen order. */
export function settingsOf(runs: readonly RunRecord[]): RunRecord[][] {
  const settings = new Map<string, RunRecord[]>();
  for (const run of runs) {
    const { seed: _, ...factors } = factorsOf(run.spec);
    const key = keyOf([factors]);
    settings.set(key, [...(settings.get(key) ?? []), run]);
  }
  return [...settings.values()];
}

/** A stage's share over some runs; undefined where no run has it. */
export function stageFigure(runs: readonly RunRecord[], stage: StageName, share: 'asr' | 'cleanAccuracy') {
  return meanFigure(runs.map((run) => stageOf(run, stage, share)));
}

function stageOf({ metrics, defense }: RunRecord, stage: StageName, share: 'asr' | 'cleanAccuracy'): unknown {
  if (stage === 'repaired') return metrics?.[share];
  return defense?.metrics[`${stage}${share === 'asr' ? 'Asr' : 'CleanAccuracy'}`];
}

/** Mean of the values that are numbers. */
export function meanFigure(values: readonly unknown[]): MeanFigure | undefined {
  const numbers = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  const n = numbers.length;
  if (n === 0) return undefined;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / n;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: n < 2 ? null : Math.sqrt(squares / (n - 1)), n };
}
