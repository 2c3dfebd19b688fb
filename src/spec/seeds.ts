// Runs that differ in nothing but the seed lie next to each other: what they have in common is worked out once.
import type { RunSpec } from './run-spec.ts';

/** Neighbouring runs of one setting, the first of them standing for what all have in common. */
export interface SettingRuns {
  readonly first: RunSpec;
  readonly runs: readonly RunSpec[];
}

/** Runs in their order, neighbours of one setting together. Only runs made by `RunMaker` from the same parts are seen to be one setting. */
export function bySetting(specs: readonly RunSpec[]): SettingRuns[] {
  const settings: { first: RunSpec; runs: RunSpec[] }[] = [];
  for (const spec of specs) {
    const last = settings[settings.length - 1];
    if (last && sameButSeed(last.first, spec)) last.runs.push(spec);
    else settings.push({ first: spec, runs: [spec] });
  }
  return settings;
}

/** Whether two records have the same members, but for the seed: the very same objects, not only equal ones. */
export function sameButSeed<T extends object>(a: T, b: T): boolean {
  let members = 0;
  for (const name in a) {
    if (name !== 'seed' && a[name] !== b[name]) return false;
    members++;
  }
  for (const _ in b) members--;
  return members === 0;
}
