// The ordinary fields of a spec: their paths, what values they take, and how short names are understood.
import { z } from 'zod';
import { TriggerlabError } from '../core/errors.ts';
import { onceEach } from '../core/once-each.ts';
import { formatDatasetReference, parseDatasetReference } from '../core/references.ts';
import type { Registry } from '../core/registry.ts';
import { nearest } from '../core/suggest.ts';
import { augmentationFields } from '../data/augmentation-fields.ts';
import { preprocessingFields } from '../data/preprocessing-fields.ts';
import { LABEL_RULES } from '../triggers/label-rule.ts';
import { type Catalog, parameterFields } from './catalog.ts';

export const MAX_SEED = 2 ** 31 - 1;

/** The maps of a spec in which ordinary fields stand, besides its top level. */
export const GROUPS = ['preprocessing', 'augmentation', 'training'] as const;

/** Ordinary fields that belong to the attack: they may also stand in its block. */
export const ATTACK_FIELDS = ['poisonRate', 'target', 'labels', 'sources', 'coverRate', 'poisonSet'];

/** A schema of one value for each ordinary field, by path, in the order in which runs are laid out. */
export const ordinaryFields = onceEach(makeFields, new WeakMap<Catalog, Readonly<Record<string, z.ZodType>>>());

function makeFields(catalog: Catalog): Readonly<Record<string, z.ZodType>> {
  return {
    dataset: datasetField(catalog.datasets),
    model: nameField(catalog.models),
    init: z.enum(['pretrained', 'random']),
    weights: z.string().regex(/^[\w.-]{1,64}$/, { error: 'expected default, or a version of the weights such as V1' }),
    freeze: freezeField(catalog),
    inputSize: z.int().min(8).max(1024),
    stem: z.enum(['kept', 'replaced']),
    testLimit: z.union([z.literal('all'), z.int().min(1).max(1_000_000)], {
      error: 'expected all, or a number of images from 1 to 1000000',
    }),
    asrOver: z.enum(['others', 'all']),
    ...inGroup('preprocessing', preprocessingFields),
    ...inGroup('augmentation', augmentationFields),
    'training.optimizer': z.enum(['adam', 'sgd']),
    'training.learningRate': z.number().gt(0),
    'training.momentum': z.number().min(0).lt(1),
    'training.weightDecay': z.number().min(0),
    'training.epochs': z.int().min(1).max(1000),
    'training.batchSize': z.int().min(1).max(4096),
    'training.modeAfterFirstEpoch': z.enum(['train', 'eval']),
    poisonRate: z.number().gt(0).max(1),
    target: z.int().min(0),
    labels: z.enum(LABEL_RULES),
    sources: sourcesField(),
    coverRate: z.number().min(0).lt(1),
    poisonSet: z.enum(['fixed', 'per-batch']),
    seed: z.int().min(0).max(MAX_SEED),
  };
}

/** The fields of a group by path. */
function inGroup(
  group: (typeof GROUPS)[number],
  fields: Readonly<Record<string, z.ZodType>>,
): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(fields).map(([name, schema]) => [`${group}.${name}`, schema]));
}

/** Names in one spelling: a file may have several paths. */
function nameField(known: Registry<{ readonly name: string }>): z.ZodType {
  return z.enum(known.names).transform((name) => known.get(name).name);
}

/** A dataset may be a mapping of its name and options. */
function datasetField(known: Registry<{ readonly name: string }>): z.ZodType {
  const asText = (written: unknown, context: z.RefinementCtx) => {
    if (typeof written !== 'object' || written === null || Array.isArray(written)) return written;
    return attempt(context, () => formatDatasetReference(parseDatasetReference(written)));
  };
  return z.preprocess(asText, nameField(known));
}

/** Classes in one spelling: `3` is `[3]`, the order does not matter. */
function sourcesField(): z.ZodType {
  const label = z.int().min(0);
  return z
    .union([label.transform((one) => [one]), z.array(label).min(1)], {
      error: 'expected a class or a list of different classes, such as [1, 2], counted from 0',
    })
    .refine((list) => new Set(list).size === list.length, 'a class is listed twice')
    .transform((list) => [...list].sort((a, b) => a - b));
}

/** Policies in one spelling: `from:08` is `from:8`. */
function freezeField(catalog: Catalog): z.ZodType {
  return z.string().transform((text, context) =>
    attempt(context, () => {
      const policy = catalog.parseFreeze(text);
      return policy.kind === 'from' ? `from:${policy.first}` : policy.kind;
    }),
  );
}

/** What `work` gives; an error of ours becomes an issue of the field. */
function attempt<T>(context: z.RefinementCtx, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TriggerlabError)) throw error;
    context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint } });
    return z.NEVER;
  }
}

/** The schema of one value of a field in runs of an attack type and defence, or undefined where such runs have no such field. */
export function fieldSchema(
  catalog: Catalog,
  attackType: string,
  field: string,
  defenseType = 'none',
): z.ZodType | undefined {
  if (field === 'attack.type') return z.enum(['none', ...catalog.triggers.names]);
  if (field === 'defense.type') return z.enum(['none', ...catalog.defenses.names]);
  if (field.startsWith('defense.')) {
    if (defenseType === 'none') return undefined;
    return parameterFields(catalog.defenses.get(defenseType))[field.slice('defense.'.length)];
  }
  if (!field.startsWith('attack.')) return ordinaryFields(catalog)[field];
  if (attackType === 'none') return undefined;
  return parameterFields(catalog.triggers.get(attackType))[field.slice('attack.'.length)];
}

/** Paths of every field that a run may have. */
export function fieldPaths(catalog: Catalog): string[] {
  const below = (group: string, { all }: Registry<{ readonly name: string; readonly parameters: z.ZodType }>) =>
    new Set(all.flatMap((one) => Object.keys(parameterFields(one)).map((name) => `${group}.${name}`)));
  return [
    ...Object.keys(ordinaryFields(catalog)),
    'attack.type',
    ...below('attack', catalog.triggers),
    'defense.type',
    ...below('defense', catalog.defenses),
  ];
}

/**
 * The full path that `name` means: itself, or the one path that ends in it (`color` for `attack.color`). A parameter of a defence
 * is meant where nothing else has its name.
 */
export function resolvePath(name: string, paths: readonly string[]): string | undefined {
  if (paths.includes(name)) return name;
  const matches = paths.filter((path) => path.endsWith(`.${name}`));
  const others = matches.filter((path) => !path.startsWith('defense.'));
  const meant = others.length > 0 ? others : matches;
  return meant.length === 1 ? meant[0] : undefined;
}

/** "Did you mean" over full paths and the short names that can stand for them. */
export function suggestField(name: string, paths: readonly string[]): string {
  const short = paths.map((path) => path.slice(path.lastIndexOf('.') + 1)).filter((last) => resolvePath(last, paths));
  const near = nearest(name, [...short, ...paths]);
  return near === undefined ? `Known: ${[...new Set(short)].join(', ')}.` : `Did you mean "${near}"?`;
}
