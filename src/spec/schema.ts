// The structure of a spec file, as strict zod schemas whose issues carry the path of the faulty part.
import { z } from 'zod';
import { type Catalog, parameterFields } from './catalog.ts';
import { ATTACK_FIELDS, GROUPS, ordinaryFields } from './fields.ts';
import { forward, type LevelInput, levelsOf } from './levels.ts';
import { presets } from './presets/index.ts';
import { type AdaptiveRepeats, repeatsSchema } from './repeats.ts';

/** Levels of the fields that a spec writes, and the path below which each field was found. */
export interface WrittenField {
  readonly path: readonly PropertyKey[];
  readonly levels: readonly LevelInput[];
}
export type WrittenFields = Readonly<Record<string, WrittenField>>;

/** An attack block as written: `path` leads to it, fields are named by their full paths. */
export interface WrittenBlock {
  readonly type: string;
  readonly path: readonly PropertyKey[];
  readonly fields: WrittenFields;
}

export interface WrittenRule {
  readonly if: Readonly<Record<string, unknown>>;
  readonly then: Readonly<Record<string, unknown>>;
}

/** A spec whose parts are checked one by one but not yet put together. */
export interface WrittenSpec {
  readonly name: string;
  readonly description: string;
  readonly presets: readonly LevelInput[];
  readonly fields: WrittenFields;
  /** Set where the number of seeds depends on what they measure. */
  readonly repeats: AdaptiveRepeats | undefined;
  readonly blocks: readonly WrittenBlock[];
  readonly when: readonly WrittenRule[];
  readonly exclude: readonly Readonly<Record<string, unknown>>[];
}

const conditions = z.record(z.string(), z.unknown());

const experimentName = z
  .string()
  .refine(
    (name) => /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(name),
    'expected lower-case letters, digits and inner hyphens, at most 64',
  );

/** The schema of a whole spec. */
export function specSchema(catalog: Catalog): z.ZodType<WrittenSpec> {
  const ordinary = ordinaryFields(catalog);
  const top: Record<string, z.ZodType<LevelInput[] | undefined>> = {};
  const groups = Object.fromEntries(GROUPS.map((group) => [group, {} as typeof top]));
  for (const [path, schema] of Object.entries(ordinary)) {
    const levels = levelsOf(schema);
    const required = path === 'dataset' || path === 'model';
    const [group, name] = path.split('.');
    if (name !== undefined) groups[group][name] = levels.optional();
    else top[path] = required ? levels : levels.optional();
  }
  return z
    .strictObject({
      name: experimentName,
      description: z.string().max(10_000).optional(),
      preset: levelsOf(z.enum(presets.names)).optional(),
      ...top,
      repeats: repeatsSchema.optional(),
      ...Object.fromEntries(GROUPS.map((group) => [group, z.strictObject(groups[group]).optional()])),
      attack: z.unknown().transform((value, context) => readBlocks(value, catalog, context.issues)),
      // biome-ignore lint/suspicious/noThenProperty: a word of the spec; never a function, so nothing can await it.
      when: z.array(z.strictObject({ if: conditions, then: conditions })).optional(),
      exclude: z.array(conditions).optional(),
    })
    .superRefine((spec, context) => {
      if (spec.repeats === undefined || !('seed' in spec) || spec.seed === undefined) return;
      const message = 'seed and repeats are both given';
      context.addIssue({
        code: 'custom',
        path: ['repeats'],
        message,
        params: { hint: 'repeats: 5 means seed: [0, 1, 2, 3, 4]; keep one.' },
      });
    })
    .transform((spec): WrittenSpec => {
      const fields: Record<string, WrittenField> = {};
      for (const path of Object.keys(ordinary)) {
        const parts = path.split('.');
        const top = spec as Record<string, unknown>;
        const holder = parts.length > 1 ? top[parts[0]] : top;
        const levels = (holder as Record<string, LevelInput[] | undefined> | undefined)?.[parts[parts.length - 1]];
        if (levels) fields[path] = { path: parts, levels };
      }
      const adaptive = typeof spec.repeats === 'object' ? spec.repeats : undefined;
      if (spec.repeats !== undefined) {
        fields.seed = {
          path: ['repeats'],
          levels: Array.from({ length: adaptive?.max ?? Number(spec.repeats) }, (_, i) => ({
            value: i,
            key: String(i),
            at: [],
          })),
        };
      }
      return {
        name: spec.name,
        description: spec.description?.trim() ?? '',
        presets: spec.preset ?? [],
        fields,
        repeats: adaptive,
        blocks: spec.attack,
        when: spec.when ?? [],
        exclude: spec.exclude ?? [],
      };
    });
}

type Issues = z.core.$ZodRawIssue[];

function readBlocks(value: unknown, catalog: Catalog, issues: Issues): WrittenBlock[] {
  if (!Array.isArray(value)) return readBlock(value, [], catalog, issues);
  if (value.length === 0)
    issues.push({ code: 'custom', message: 'expected at least one attack, found an empty list', input: value });
  return value.flatMap((item, i) => readBlock(item, [i], catalog, issues));
}

function readBlock(value: unknown, at: number[], catalog: Catalog, issues: Issues): WrittenBlock[] {
  const block = typeof value === 'string' ? { type: value } : value;
  const typePath = typeof value === 'string' ? at : [...at, 'type'];
  if (typeof block !== 'object' || block === null || Array.isArray(block)) {
    issues.push({ code: 'invalid_type', expected: 'object', input: value, path: at });
    return [];
  }
  const type = (block as { type?: unknown }).type;
  if (Array.isArray(type)) {
    const params = { hint: 'Parameters belong to one attack: write a list of blocks, one per type.' };
    issues.push({
      code: 'custom',
      message: 'expected one attack type, found a list',
      params,
      input: type,
      path: typePath,
    });
    return [];
  }
  const named = z.enum(['none', ...catalog.triggers.names]).safeParse(type);
  if (!named.success) {
    forward(named.error, type, typePath, issues);
    return [];
  }
  const schemas = blockFields(named.data, catalog);
  const result = z
    .strictObject({
      type: z.string(),
      ...Object.fromEntries(Object.entries(schemas).map(([key, { schema }]) => [key, levelsOf(schema).optional()])),
    })
    .safeParse(block);
  if (!result.success) {
    forward(result.error, block, at, issues);
    return [];
  }
  const fields: Record<string, WrittenField> = {};
  const checked = result.data as Record<string, unknown>;
  for (const [key, { path }] of Object.entries(schemas)) {
    const levels = checked[key] as LevelInput[] | undefined;
    if (levels) fields[path] = { path: ['attack', ...at, key], levels };
  }
  return [{ type: named.data, path: ['attack', ...at], fields }];
}

/** What may stand in a block of an attack: the trigger's parameters, and the fields that may vary by attack. */
function blockFields(type: string, catalog: Catalog): Record<string, { path: string; schema: z.ZodType }> {
  if (type === 'none') return {};
  const ordinary = ordinaryFields(catalog);
  const parameters = Object.entries(parameterFields(catalog.triggers.get(type)));
  return {
    ...Object.fromEntries(parameters.map(([name, schema]) => [name, { path: `attack.${name}`, schema }])),
    ...Object.fromEntries(ATTACK_FIELDS.map((path) => [path, { path, schema: ordinary[path] }])),
  };
}
