// Runs that differ in nothing but the seed lie next to each other: what they have in common is worked out once.
import type { RunSpec } from './run-spec.ts';

/** Neighbouring runs of one setting, the first of them standing for what all have in common. */
export interface SettingRuns {
  readonly first: RunSpec;
  readonly runs: readonly RunSpec[];
}

/** The same seeds under a changed setting. */
export function withSetting({ runs }: SettingRuns, changed: RunSpec): SettingRuns {
  const made = runs.map(({ seed }) => ({ ...changed, seed }));
  return { first: made[0], runs: made };
}
