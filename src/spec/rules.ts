// `when` and `exclude`: reading the fields and values they name.
import { inputError } from '../core/errors.ts';
import { canonicalJson } from '../core/hash.ts';
import type { Catalog } from './catalog.ts';
import type { Block, ExcludeRule, FieldValues, Level, WhenRule } from './experiment.ts';
import { explainIssue, show } from './explain-issue.ts';
import { fieldPaths, fieldSchema, GROUPS, resolvePath, suggestField } from './fields.ts';
import { faults } from './levels.ts';
import type { WrittenSpec } from './schema.ts';
import type { Path, Source } from './source.ts';

/** What reading a rule needs to know. */
interface Context {
  readonly blocks: readonly Block[];
  readonly source: Source;
  readonly catalog: Catalog;
  /** Whether `--set` may have taken away what a rule speaks of. */
  readonly overridden: boolean;
}

/** Maps of a rule whose members are parameters of a type; a name alone is the type. */
const BLOCKS = ['attack', 'defense'] as const;

/** Fields that decide which other fields there are: a list of attack blocks, or of presets, says it better. */
const FIXED = ['attack.type', 'defense.type'];

/**
 * The rules of a spec with full field paths and checked values.
 * @throws TriggerlabError (input) for an unknown field or a value that the field cannot have.
 */
export function readRules(
  written: WrittenSpec,
  blocks: readonly Block[],
  source: Source,
  catalog: Catalog,
  overridden: boolean,
): { when: WhenRule[]; exclude: ExcludeRule[] } {
  const context = { blocks, source, catalog, overridden };
  const when = written.when.map((rule, i) => {
    const then = readFields(rule.then, ['when', i, 'then'], context);
    const fixed = then.find(({ field }) => FIXED.includes(field));
    if (fixed) {
      throw inputError(`${fixed.at}: then cannot set ${fixed.field}`, {
        hint:
          fixed.field === 'attack.type'
            ? 'Write one attack block per type under attack.'
            : 'Write one block per type under defenses.',
      });
    }
    return { conditions: readFields(rule.if, ['when', i, 'if'], context), then, at: source.locate(['when', i]) };
  });
  const exclude = written.exclude.map((rule, i) => ({
    conditions: readFields(rule, ['exclude', i], context),
    at: source.locate(['exclude', i]),
  }));
  return { when, exclude };
}

function readFields(written: Readonly<Record<string, unknown>>, path: Path, context: Context): FieldValues[] {
  const { source } = context;
  const fields = Object.entries(written).flatMap(([name, value]): FieldValues[] => {
    const typed = BLOCKS.find((group) => group === name);
    if ((typed || GROUPS.some((group) => group === name)) && isMap(value)) {
      return Object.entries(value).map(([key, member]) =>
        readField(`${name}.${key}`, member, [...path, name, key], context),
      );
    }
    return [readField(typed ? `${typed}.type` : name, value, [...path, name], context)];
  });
  if (fields.length === 0) {
    throw inputError(`${source.locate(path)}: expected at least one field, found an empty map`, {
      hint: 'For example {model: resnet-mini}.',
    });
  }
  return fields;
}

function readField(name: string, value: unknown, path: Path, context: Context): FieldValues {
  const { source, catalog, blocks, overridden } = context;
  const paths = fieldPaths(catalog);
  const field = resolvePath(name, paths);
  const at = source.locate(path.slice(0, -1), String(path[path.length - 1]));
  if (field === undefined) throw inputError(`${at}: unknown field "${name}"`, { hint: suggestField(name, paths) });
  const defended = field.startsWith('defense.');
  const types = [...new Set(blocks.map((block) => (defended ? block.defenseType : block.attackType)))];
  const schemasIn = (names: readonly string[]) =>
    names.flatMap((type) => fieldSchema(catalog, defended ? 'none' : type, field, defended ? type : 'none') ?? []);
  const here = schemasIn(types);
  const known = defended ? catalog.defenses : catalog.triggers;
  const schemas = here.length === 0 && overridden ? schemasIn(known.names) : here;
  if (schemas.length === 0) {
    const kind = defended ? 'defence' : 'attack';
    throw inputError(`${at}: no ${kind} of this spec has the parameter "${name}"`, {
      hint: `Its ${kind}s: ${types.join(', ')}.`,
    });
  }
  const one = (item: unknown) => schemas.map((schema) => schema.safeParse(item)).find((result) => result.success);
  const whole = value === undefined ? undefined : one(value);
  const items: { item: unknown; at: Path }[] =
    Array.isArray(value) && !whole ? value.map((item, i) => ({ item, at: [...path, i] })) : [{ item: value, at: path }];
  if (items.length === 0) throw inputError(`${at}: ${name}: expected at least one value, found an empty list`);
  const levels = items.map(({ item, at: itemPath }): Level => {
    const result = one(item);
    if (result) return { value: item, key: canonicalJson(result.data), at: source.locate(itemPath) };
    const issue = faults(schemas[0], item)[0];
    const explained = issue ? explainIssue(issue, item) : { message: `cannot be ${show(item)}`, hint: undefined };
    throw inputError(`${source.locate(itemPath)}: ${name}: ${explained.message}`, { hint: explained.hint });
  });
  return { field, at, levels };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
