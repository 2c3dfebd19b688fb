// Fields that a run leaves out while they change nothing: results of older versions, which lack them, keep their ids.
import { canonicalJson } from '../core/hash.ts';
import { NEUTRAL_PREPROCESSING } from '../data/preprocessing-fields.ts';

/** The maps of a run that hold such fields. */
export const SPARSE_GROUPS = ['preprocessing'] as const;

const under = (group: string, members: object) =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [`${group}.${name}`, value]));

/** The value of each such field, by path, at which it changes nothing. */
export const neutralValues: Readonly<Record<string, unknown>> = {
  ...under('preprocessing', NEUTRAL_PREPROCESSING),
};

const neutralKeys = new Map(Object.entries(neutralValues).map(([field, value]) => [field, canonicalJson(value)]));

/** Whether a field has its neutral value, or none. */
export function isNeutral(field: string, value: unknown): boolean {
  if (value === undefined || value === neutralValues[field]) return neutralKeys.has(field);
  return isNeutralKey(field, canonicalJson(value));
}

/** The same of a value's canonical JSON. */
export function isNeutralKey(field: string, key: string): boolean {
  return neutralKeys.get(field) === key;
}

/** The members of one of a run's maps that are not neutral; undefined where all are. */
export function withoutNeutral<T extends object>(group: string, members: T | undefined): T | undefined {
  if (members === undefined) return undefined;
  const kept = Object.entries(members).filter(([name, value]) => !isNeutral(`${group}.${name}`, value));
  return kept.length === 0 ? undefined : (Object.fromEntries(kept) as T);
}

/** Fields by path with the neutral ones written out: what a person compares runs by. */
export function sparseFields(
  spec: { readonly [Group in (typeof SPARSE_GROUPS)[number]]?: object },
): Record<string, unknown> {
  const written = SPARSE_GROUPS.map((group) => under(group, spec[group] ?? {}));
  return Object.assign({}, neutralValues, ...written);
}
