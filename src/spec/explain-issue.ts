// Turns an issue that zod found into words: what was expected, what was found, and what to write instead.
import type { z } from 'zod';
import { nearest } from '../core/suggest.ts';

export interface Explanation {
  readonly message: string;
  readonly hint?: string | undefined;
  /** Path below the value that the issue was raised on, for issues inside alternatives. */
  readonly below: readonly PropertyKey[];
}

type Issue = z.core.$ZodIssue;

const EMPTY = 'The value is empty; text that begins with # is a comment unless it is quoted.';

const TYPES: Record<string, string> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  tuple: 'a list',
};

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (typeof value !== 'object') return String(value);
  if (!Array.isArray(value)) return 'a map';
  const plain = value.length <= 5 && value.every((item) => typeof item !== 'object');
  return plain ? `the list [${value.map(show).join(', ')}]` : 'a list';
}

/** Explains `issue`, raised on `found`. */
export function explainIssue(issue: Issue, found: unknown): Explanation {
  if (found === null) return { message: `expected ${expected(issue)}, found nothing`, hint: EMPTY, below: [] };
  if (issue.code === 'custom') return { message: issue.message, hint: hintOf(issue), below: [] };
  if (issue.code === 'invalid_union') return explainUnion(issue, found);
  return { message: `expected ${expected(issue)}, found ${show(found)}`, hint: suggestion(issue, found), below: [] };
}

function hintOf(issue: { params?: Record<string, unknown> | undefined }): string | undefined {
  const hint = issue.params?.hint;
  return typeof hint === 'string' ? hint : undefined;
}

function expected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return listed(issue.values.map(String));
    case 'too_small':
      return `${unit(issue.origin)}${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `${unit(issue.origin)}${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}`;
    case 'unrecognized_keys':
      return `no key ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
    case 'custom':
      return issue.message;
    case 'invalid_union':
      return [...new Set(issue.errors.flatMap((issues) => issues.slice(0, 1).map(expected)))].join(', or ');
    case 'invalid_format':
      return issue.pattern === undefined ? `text in the format ${issue.format}` : `text of the form ${issue.pattern}`;
    default:
      return `something else (${issue.message})`;
  }
}

function listed(names: readonly string[]): string {
  if (names.length === 1) return names[0];
  const shown = names.slice(0, 12);
  return `one of ${shown.join(', ')}${names.length > shown.length ? ', …' : ''}`;
}

function unit(origin: string): string {
  return origin === 'string' ? 'a length of ' : origin === 'array' ? 'a count of ' : 'a number ';
}

function suggestion(issue: Issue, found: unknown): string | undefined {
  if (issue.code === 'invalid_value' && typeof found === 'string') {
    const name = nearest(found, issue.values.map(String));
    return name === undefined ? undefined : `Did you mean "${name}"?`;
  }
  if (issue.code === 'unrecognized_keys') return undefined;
  if (issue.code === 'invalid_type' && typeof found === 'string') {
    const percent = /^\s*([\d.]+)\s*%\s*$/.exec(found);
    if (percent) return `Shares are written as fractions: ${Number(percent[1]) / 100}.`;
  }
  if (issue.code === 'too_big' && issue.maximum === 1 && typeof found === 'number' && found <= 100) {
    return `Shares are written as fractions: ${found} % is ${found / 100}.`;
  }
  return undefined;
}

/** Prefers the alternative that got furthest: one that objects to a part of the value, then all of them together. */
function explainUnion(issue: Issue & { code: 'invalid_union' }, found: unknown): Explanation {
  const all = issue.errors.flat();
  const parts = typeof found === 'object' ? all.filter(({ path }) => path.length > 0) : [];
  const unknown = all.find((inner) => inner.code === 'unrecognized_keys' && inner.path.length === 0);
  if (unknown?.code === 'unrecognized_keys') {
    const [key] = unknown.keys;
    const missing = parts.map(({ path }) => String(path[0])).filter((name) => !Object.hasOwn(Object(found), name));
    const near = nearest(key, missing);
    return { message: `unknown key "${key}"`, hint: near && `Did you mean "${near}"?`, below: [key] };
  }
  const part = parts[0];
  if (part) {
    const inner = explainIssue(part, valueAt(part.path, found));
    return { ...inner, below: [...part.path, ...inner.below] };
  }
  const names = all.flatMap((inner) => (inner.code === 'invalid_value' ? inner.values.map(String) : []));
  const near = typeof found === 'string' ? nearest(found, names) : undefined;
  const told = /^expected /.test(issue.message) ? issue.message : `expected ${expected(issue)}`;
  return { message: `${told}, found ${show(found)}`, hint: near && `Did you mean "${near}"?`, below: [] };
}

/** The part of plain data at a path, undefined where there is none. */
export function valueAt(path: readonly PropertyKey[], value: unknown): unknown {
  return path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | null | undefined)?.[step], value);
}
