// Means by factors over a large store: which settings go together is decided here, the database does the sums.
import type { Selection, Setting } from '../store/selection.ts';
import { comparable, type MetricName, type RunGroup } from './aggregate.ts';
import { type FactorValue, factorsOf, keyOf, varyingFactors } from './factors.ts';

/** A group of finished runs without the runs. */
export interface SummedGroup extends Omit<RunGroup, 'runs'> {
  /** Factors, other than the seed and those of the key, in which the settings of the group differ. */
  readonly mixed: readonly string[];
}

/**
 * Finished runs by some factors (names as in `factorsOf`, `seed` included), as `aggregate` groups them.
 * @param settings those of the selection.
 */
export async function groupRuns(
  selection: Selection,
  settings: readonly Setting[],
  fields: readonly string[],
  metrics: readonly MetricName[],
): Promise<SummedGroup[]> {
  const bySeed = fields.includes('seed');
  const members = new Map<string, { key: Record<string, FactorValue>; settings: Setting[] }>();
  for (const setting of fields.includes('defense') ? settings : comparable(settings)) {
    const factors = factorsOf(setting.spec);
    const key = Object.fromEntries(fields.map((name) => [name, name === 'seed' ? null : (factors[name] ?? null)]));
    const id = keyOf(Object.values(key));
    const group = members.get(id) ?? { key, settings: [] };
    group.settings.push(setting);
    members.set(id, group);
  }
  const groups = [...members.values()];
  const groupOf = new Map(groups.flatMap((group, at) => group.settings.map(({ id }) => [id, at] as const)));
  const mixed = groups.map((group) =>
    varyingFactors(group.settings.map(({ spec }) => spec)).filter((name) => !(name in group.key)),
  );
  const summaries = await selection.summaries(groupOf, metrics, bySeed);
  return summaries.map(({ group, seed, n, metrics }) => ({
    key: bySeed ? { ...groups[group].key, seed } : groups[group].key,
    n,
    metrics,
    mixed: mixed[group],
  }));
}
