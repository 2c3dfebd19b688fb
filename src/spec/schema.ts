// The structure of a spec file, as strict zod schemas whose issues carry the path of the faulty part.
import { z } from 'zod';
import type { Catalog } from './catalog.ts';
import { GROUPS, ordinaryFields } from './fields.ts';
import { type LevelInput, levelsOf } from './levels.ts';
import { presets } from './presets/index.ts';
import { type AdaptiveRepeats, repeatsSchema } from './repeats.ts';
import type { KeepWeights } from './run-spec.ts';
import { subsetFields, type WrittenSubsets } from './subsets.ts';
import { readBlocks, type WrittenBlock } from './written-blocks.ts';

/** Levels of the fields that a spec writes, and the path below which each field was found. */
export interface WrittenField {
  readonly path: readonly PropertyKey[];
  readonly levels: readonly LevelInput[];
}
export type WrittenFields = Readonly<Record<string, WrittenField>>;

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
  readonly keepWeights: KeepWeights | undefined;
  readonly blocks: readonly WrittenBlock[];
  /** One of type `none` where the spec names no defences. */
  readonly defenses: readonly WrittenBlock[];
  readonly when: readonly WrittenRule[];
  readonly exclude: readonly Readonly<Record<string, unknown>>[];
  readonly subsets: WrittenSubsets;
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
      attack: z.unknown().transform((value, context) => readBlocks('attack', value, catalog, context.issues)),
      defenses: z
        .unknown()
        .transform((value, context) => readBlocks('defenses', value ?? 'none', catalog, context.issues))
        .optional(),
      keepWeights: z.enum(['none', 'failed', 'all']).optional(),
      // biome-ignore lint/suspicious/noThenProperty: a word of the spec; never a function, so nothing can await it.
      when: z.array(z.strictObject({ if: conditions, then: conditions })).optional(),
      exclude: z.array(conditions).optional(),
      ...subsetFields,
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
        keepWeights: spec.keepWeights === 'none' ? undefined : spec.keepWeights,
        blocks: spec.attack,
        defenses: spec.defenses ?? [{ type: 'none', path: ['defenses'], fields: {} }],
        when: spec.when ?? [],
        exclude: spec.exclude ?? [],
        subsets: { zip: spec.zip, sample: spec.sample, design: spec.design },
      };
    });
}
