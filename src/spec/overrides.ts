// `--set field=value,…`: changes made to a spec on the command line, before it is checked.
import { parseDocument } from 'yaml';
import { inputError } from '../core/errors.ts';
import { type Catalog, parameterFields } from './catalog.ts';
import { ATTACK_FIELDS, fieldPaths, GROUPS, resolvePath, suggestField } from './fields.ts';
import type { Path, Source } from './source.ts';
import type { BlockKey } from './written-blocks.ts';
import { nestingDepth } from './yaml-depth.ts';

/** One `--set`: the full path of the field and its new value. */
export interface Override {
  readonly field: string;
  readonly value: unknown;
  /** As the user gave it, for messages. */
  readonly label: string;
}

type Plain = Record<string, unknown>;

const WHOLE_FIELDS = [
  ...['name', 'description', 'preset', 'repeats', 'keepWeights'],
  ...GROUPS,
  ...['attack', 'defenses', 'when', 'exclude', 'zip', 'sample', 'design'],
];

/**
 * Reads `field=value` or `field=value,value,…`, values written as in a YAML list: `attack.color=white,[0,128,0]`.
 * @throws TriggerlabError (input) for an unknown field or a value that cannot be read.
 */
export function parseOverride(text: string, catalog: Catalog): Override {
  const label = `--set ${text.length > 100 ? `${text.slice(0, 97)}…` : text}`;
  const at = text.indexOf('=');
  if (at < 1) throw inputError(`${label}: expected field=value`, { hint: 'For example --set training.epochs=5.' });
  const name = text.slice(0, at).trim();
  const paths = [...WHOLE_FIELDS, ...fieldPaths(catalog)];
  const field = resolvePath(name, paths);
  if (field === undefined) {
    throw inputError(`${label}: unknown field "${name}"`, { hint: suggestField(name, paths) });
  }
  const written = text.slice(at + 1).trim();
  return { field, value: field === 'name' || field === 'description' ? written : readValue(written, label), label };
}

/** A value as a command line has it: one, or several with commas between. `label` names it in messages. @throws TriggerlabError (input) */
export function readValue(written: string, label: string): unknown {
  if (written === '') throw inputError(`${label}: expected a value after "="`);
  // A bare #rrggbb would begin a comment.
  const list = `[${written.replace(/(^|[[,\s])(#[0-9a-fA-F]{3,8})(?=$|[\],\s])/g, '$1"$2"')}\n]`;
  const document = nestingDepth(list) > 20 ? undefined : parseDocument(list, { logLevel: 'silent' });
  if (!document || document.errors.length > 0 || document.warnings.length > 0 || /(^|[\s[,])[*&]/.test(list)) {
    throw inputError(`${label}: the value cannot be read`, {
      hint: 'Write it as in YAML: 0.5 or white,black or [255,0,0].',
    });
  }
  const values = document.toJS() as unknown[];
  return values.length === 1 ? values[0] : values;
}

/** The spec with the overrides in it; places that they set are located as `--set …`. */
export function applyOverrides(source: Source, overrides: readonly Override[], catalog: Catalog): Source {
  const value = source.value as Plain;
  const origins = new Map<string, string>();
  const put = (holder: Plain, key: string, path: Path, override: Override) => {
    holder[key] = override.value;
    origins.set(JSON.stringify(path), override.label);
  };
  const fields = new Set(overrides.map(({ field }) => field));
  if (fields.has('seed')) delete value.repeats;
  if (fields.has('repeats')) delete value.seed;
  for (const override of overrides) {
    const [head, tail] = override.field.split('.', 2);
    if (tail === undefined) {
      if (ATTACK_FIELDS.includes(head)) for (const { block } of blocksOf(value, 'attack')) delete block[head];
      put(value, head, [head], override);
    } else if (GROUPS.some((group) => group === head)) {
      value[head] ??= {};
      const group = value[head];
      if (isPlain(group)) put(group, tail, [head, tail], override);
    } else {
      const defended = head === 'defense';
      const holder = defended ? 'defenses' : 'attack';
      const known = defended ? catalog.defenses : catalog.triggers;
      const blocks = blocksOf(value, holder).filter(({ block }) => takes(block, tail, known));
      if (blocks.length === 0 && (defended || value.attack !== undefined)) {
        const kind = defended ? 'defence' : 'attack';
        throw inputError(`${override.label}: no ${kind} of this spec has the parameter "${tail}"`, {
          hint: `See triggerlab ${defended ? 'defenses' : 'triggers'} show NAME.`,
        });
      }
      for (const { block, path } of blocks) put(block, tail, [...path, tail], override);
    }
  }
  return {
    value,
    locate(path, key) {
      const full = key === undefined ? path : [...path, key];
      for (let length = full.length; length > 0; length--) {
        const label = origins.get(JSON.stringify(full.slice(0, length)));
        if (label !== undefined) return label;
      }
      return source.locate(path, key);
    },
  };
}

/** The blocks of an unchecked spec under a key, `attack: badnets` written out as a block. */
function blocksOf(spec: Plain, holder: BlockKey): { block: Plain; path: Path }[] {
  const written = (holder: Plain | unknown[], key: string | number, path: Path) => {
    const slots = holder as Record<string | number, unknown>;
    if (typeof slots[key] === 'string') slots[key] = { type: slots[key] };
    return isPlain(slots[key]) ? [{ block: slots[key], path }] : [];
  };
  const blocks = spec[holder];
  if (Array.isArray(blocks)) return blocks.flatMap((_, i) => written(blocks, i, [holder, i]));
  return written(spec, holder, [holder]);
}

function takes(block: Plain, parameter: string, known: Catalog['triggers'] | Catalog['defenses']): boolean {
  if (parameter === 'type') return true;
  if (typeof block.type !== 'string' || !known.has(block.type)) return false;
  return parameter in parameterFields(known.get(block.type));
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
