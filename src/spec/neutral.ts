// Fields that a run leaves out while they change nothing: results of older versions, which lack them, keep their ids.
import { canonicalJson } from '../core/hash.ts';
import { splitModelOptions } from '../core/references.ts';
import { NEUTRAL_AUGMENTATION } from '../data/augmentation-fields.ts';
import { NEUTRAL_PREPROCESSING } from '../data/preprocessing-fields.ts';
import { optionNames } from '../models/options.ts';
import type { DefenseSpec, RunSpec } from './run-spec.ts';

/** The maps of a run that hold such fields. */
export const SPARSE_GROUPS = ['preprocessing', 'augmentation'] as const;

/** Those of them that clean runs never have. */
export const ATTACK_SPARSE_FIELDS = ['labels', 'coverRate', 'poisonSet'] as const;

const under = (group: string, members: object) =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [`${group}.${name}`, value]));

/** The value of each such ordinary field, by path, at which it changes nothing. */
export const neutralFields: Readonly<Record<string, unknown>> = {
  stem: 'kept',
  testLimit: 'all',
  asrOver: 'others',
  ...under('preprocessing', NEUTRAL_PREPROCESSING),
  ...under('augmentation', NEUTRAL_AUGMENTATION),
  'training.modeAfterFirstEpoch': 'train',
  labels: 'all-to-one',
  coverRate: 0,
  poisonSet: 'fixed',
};

/** What a model's name does not say: the network is as it comes. */
export const USUAL = 'default';

/** The same with what people compare runs by as they do by fields: the defence, and the options of a model's name. */
export const neutralValues: Readonly<Record<string, unknown>> = {
  ...neutralFields,
  defense: 'none',
  ...under('model', Object.fromEntries(optionNames.map((name) => [name, USUAL]))),
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

/** The options of a model's name by path, such as `model.dense`. */
export function modelOptionFields(model: string): Record<string, unknown> {
  if (!model.includes('?')) return {};
  const { options } = splitModelOptions(model);
  return under('model', Object.fromEntries(options.map(([name, text]) => [name, readOption(text)])));
}

const readOption = (text: string) => (/^[\d.]+$/.test(text) ? Number(text) : text);

/** Fields of a run at its top level that it may leave out. */
const TOP_FIELDS = ['stem', 'testLimit', 'asrOver', ...ATTACK_SPARSE_FIELDS] as const;

/** A run's fields that it may leave out, by path, neutral ones included: what a person compares runs by. */
export function sparseFields(spec: RunSpec): Record<string, unknown> {
  // Every run of a large experiment is asked: few have any of these fields.
  const fields: Record<string, unknown> = { ...neutralValues, ...modelOptionFields(spec.model) };
  for (const name of TOP_FIELDS) if (spec[name] !== undefined) fields[name] = spec[name];
  for (const group of SPARSE_GROUPS) {
    for (const [name, value] of Object.entries(spec[group] ?? {}))
      if (value !== undefined) fields[`${group}.${name}`] = value;
  }
  const { modeAfterFirstEpoch } = spec.training;
  if (modeAfterFirstEpoch !== undefined) fields['training.modeAfterFirstEpoch'] = modeAfterFirstEpoch;
  return spec.defense ? { ...fields, defense: spec.defense.type, ...defenseParameters(spec.defense) } : fields;
}

/** A defence's parameters by path, such as `defense.rate`; none where there is no defence. */
export function defenseParameters(defense: DefenseSpec | undefined): Record<string, unknown> {
  const { type: _, ...parameters } = defense ?? { type: 'none' };
  return under('defense', parameters);
}
