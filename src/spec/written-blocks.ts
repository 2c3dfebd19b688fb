// Blocks of a spec, `attack` and `defenses`: a type with its own parameters each, as checked levels that are not yet put together.
import { z } from 'zod';
import { type Catalog, parameterFields } from './catalog.ts';
import { ATTACK_FIELDS, ordinaryFields } from './fields.ts';
import { forward, type LevelInput, levelsOf } from './levels.ts';
import type { WrittenField, WrittenFields } from './schema.ts';

/** A block as written: `path` leads to it, fields are named by their full paths. */
export interface WrittenBlock {
  readonly type: string;
  readonly path: readonly PropertyKey[];
  readonly fields: WrittenFields;
}

/** The keys of a spec that hold blocks. */
export type BlockKey = 'attack' | 'defenses';

const WORDS: Readonly<Record<BlockKey, string>> = { attack: 'attack', defenses: 'defence' };

type Issues = z.core.$ZodRawIssue[];

/** The blocks under a key: one, or a list of them; a type alone is short for a block of it. */
export function readBlocks(holder: BlockKey, value: unknown, catalog: Catalog, issues: Issues): WrittenBlock[] {
  if (!Array.isArray(value)) return readBlock(holder, value, [], catalog, issues);
  if (value.length === 0) {
    const message = `expected at least one ${WORDS[holder]}, found an empty list`;
    issues.push({ code: 'custom', message, input: value });
  }
  return value.flatMap((item, i) => readBlock(holder, item, [i], catalog, issues));
}

function readBlock(holder: BlockKey, value: unknown, at: number[], catalog: Catalog, issues: Issues): WrittenBlock[] {
  const block = typeof value === 'string' ? { type: value } : value;
  const typePath = typeof value === 'string' ? at : [...at, 'type'];
  if (typeof block !== 'object' || block === null || Array.isArray(block)) {
    issues.push({ code: 'invalid_type', expected: 'object', input: value, path: at });
    return [];
  }
  const type = (block as { type?: unknown }).type;
  if (Array.isArray(type)) {
    const params = { hint: `Parameters belong to one ${WORDS[holder]}: write a list of blocks, one per type.` };
    issues.push({
      code: 'custom',
      message: `expected one ${WORDS[holder]} type, found a list`,
      params,
      input: type,
      path: typePath,
    });
    return [];
  }
  const { names } = holder === 'attack' ? catalog.triggers : catalog.defenses;
  const named = z.enum(['none', ...names]).safeParse(type);
  if (!named.success) {
    forward(named.error, type, typePath, issues);
    return [];
  }
  const schemas = holder === 'attack' ? attackFields(named.data, catalog) : defenseFields(named.data, catalog);
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
    if (levels) fields[path] = { path: [holder, ...at, key], levels };
  }
  return [{ type: named.data, path: [holder, ...at], fields }];
}

interface BlockField {
  readonly path: string;
  readonly schema: z.ZodType;
}

function defenseFields(type: string, catalog: Catalog): Record<string, BlockField> {
  if (type === 'none') return {};
  const parameters = Object.entries(parameterFields(catalog.defenses.get(type)));
  return Object.fromEntries(parameters.map(([name, schema]) => [name, { path: `defense.${name}`, schema }]));
}

/** What may stand in a block of an attack: the trigger's parameters, and the fields that may vary by attack. */
function attackFields(type: string, catalog: Catalog): Record<string, BlockField> {
  if (type === 'none') return {};
  const ordinary = ordinaryFields(catalog);
  const parameters = Object.entries(parameterFields(catalog.triggers.get(type)));
  return {
    ...Object.fromEntries(parameters.map(([name, schema]) => [name, { path: `attack.${name}`, schema }])),
    ...Object.fromEntries(ATTACK_FIELDS.map((path) => [path, { path, schema: ordinary[path] }])),
  };
}
