// Turns what zod found wrong with a spec into one readable error with its place.
import type { z } from 'zod';
import { inputError, type TriggerlabError } from '../core/errors.ts';
import { didYouMean, nearest } from '../core/suggest.ts';
import { type Catalog, parameterFields } from './catalog.ts';
import { explainIssue, valueAt } from './explain-issue.ts';
import { fieldPaths, GROUPS } from './fields.ts';
import type { Path, Source } from './source.ts';

/** The issue to tell: what is written wrongly before what is missing, in the order of the file. */
function firstIssue(error: z.ZodError, source: Source): z.core.$ZodIssue {
  const rank = (issue: z.core.$ZodIssue) => {
    const key = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const at = /:(\d+):(\d+)$/.exec(source.locate(issue.path, key));
    const place = at ? Number(at[1]) * 1e6 + Number(at[2]) : 0;
    return isMissing(issue, source.value) ? place + 1e15 : place;
  };
  return error.issues.map((issue) => ({ issue, at: rank(issue) })).sort((a, b) => a.at - b.at)[0].issue;
}

function isMissing(issue: z.core.$ZodIssue, value: unknown): boolean {
  return issue.code !== 'unrecognized_keys' && valueAt(issue.path, value) === undefined;
}

/** The error that tells what is wrong with the structure or a value of a spec. */
export function specError(error: z.ZodError, source: Source, catalog: Catalog): TriggerlabError {
  const issue = firstIssue(error, source);
  const { path } = issue;
  const found = valueAt(path, source.value);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0];
    const missing = error.issues
      .filter((other) => isMissing(other, source.value))
      .flatMap((other) => other.path.slice(-1));
    const where = path.length === 0 ? '' : ` in ${fieldName(path)}`;
    return inputError(`${source.locate(path, key)}: unknown key "${key}"${where}`, {
      hint: keyHint(key, path, found, missing.map(String), catalog),
    });
  }
  if (found === undefined && path.length > 0) {
    const wanted = explainIssue(issue, found).message.replace(/, found nothing$/, '');
    return inputError(`${source.locate(path)}: ${fieldName(path)} is missing: ${wanted}`, { hint: missingHint(path) });
  }
  const { message, hint, below } = explainIssue(issue, found);
  const full = [...path, ...below];
  return inputError(`${source.locate(full)}: ${fieldName(full)}: ${message}`, { hint: hint ?? fieldHint(full, found) });
}

/** `attack[0].size` for the path ['attack', 0, 'size']. */
function fieldName(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${String(step)}`))
    .join('');
}

const STRUCTURE = [
  ...['name', 'description', 'preset', 'repeats', 'keepWeights'],
  ...GROUPS,
  ...['attack', 'defenses', 'when', 'exclude', 'zip', 'sample', 'design'],
];

/** What an unknown key may have been meant for: its place tells which keys are known there. */
function keyHint(
  key: string,
  path: Path,
  holder: unknown,
  missing: readonly string[],
  catalog: Catalog,
): string | undefined {
  const paths = fieldPaths(catalog);
  const top = [...STRUCTURE, ...paths.filter((field) => !field.includes('.'))];
  const near = nearest(key, path.length === 0 ? top : missing);
  if (near !== undefined) return `Did you mean "${near}"?`;
  const owner = paths.find((field) => field.endsWith(`.${key}`));
  if (path.length === 0) return owner ? `It belongs under "${owner.split('.')[0]}:".` : didYouMean(key, top);
  const inside = keysInside(path, holder, catalog);
  if (inside === undefined) return undefined;
  if (!inside.includes(key) && top.includes(key)) return `"${key}" belongs to the top level of the spec.`;
  return didYouMean(key, inside);
}

function keysInside(path: Path, holder: unknown, catalog: Catalog): string[] | undefined {
  if (path[0] === 'when') return ['if', 'then'];
  const group = GROUPS.find((name) => name === path[0]);
  if (group) return fieldPaths(catalog).flatMap((field) => field.split(`${group}.`, 2)[1] ?? []);
  const type = (holder as { type?: unknown } | undefined)?.type;
  if (path[0] === 'defenses' && typeof type === 'string') {
    return ['type', ...(catalog.defenses.has(type) ? Object.keys(parameterFields(catalog.defenses.get(type))) : [])];
  }
  if (path[0] !== 'attack' || typeof type !== 'string') return undefined;
  if (!catalog.triggers.has(type)) return ['type'];
  return ['type', ...Object.keys(parameterFields(catalog.triggers.get(type))), 'poisonRate', 'target'];
}

function missingHint(path: Path): string | undefined {
  if (path[0] === 'attack' && path.length === 1) return 'Write attack: none for clean runs alone.';
  if (path[path.length - 1] === 'type') return 'Every attack block names its type, such as type: badnets.';
  return undefined;
}

function fieldHint(path: Path, found: unknown): string | undefined {
  if (!path.includes('poisonRate') || found !== 0) return undefined;
  return 'Every poisoned run gets its clean twin by itself; write attack: none for clean runs alone.';
}
