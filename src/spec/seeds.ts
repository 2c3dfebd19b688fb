// Runs that differ in nothing but the seed lie next to each other: what they have in common is worked out once.
import type { RunSpec } from './run-spec.ts';

/** Neighbouring runs of one setting, the first of them standing for what all have in common. */
export interface SettingRuns {
  readonly first: RunSpec;
  readonly runs: readonly RunSpec[];
}

/** A run that is yet to be made: that of a setting, given by any of its runs, with a seed. */
export interface Seeded {
  readonly setting: RunSpec;
  readonly seed: number;
}

export function madeRun({ setting, seed }: Seeded): RunSpec {
  return setting.seed === seed ? setting : { ...setting, seed };
}
