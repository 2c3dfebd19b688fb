// A factor in a spec is one value or a list of values; a list that is itself a valid value (an RGB colour) is one value.
import { z } from 'zod';
import { canonicalJson } from '../core/hash.ts';

/** A checked value and where it stands below its field: `[]` for a value alone, `[i]` in a list. */
export interface LevelInput {
  readonly value: unknown;
  readonly key: string;
  readonly at: readonly number[];
}

type Issues = z.core.$ZodRawIssue[];

/** Checks one value or a list of distinct values of `schema`. */
export function levelsOf(schema: z.ZodType): z.ZodType<LevelInput[]> {
  return z.unknown().transform((value, context) => readLevels(schema, value, context.issues));
}

function readLevels(schema: z.ZodType, value: unknown, issues: Issues): LevelInput[] {
  const whole = schema.safeParse(value);
  if (whole.success && value !== undefined) return [{ value, key: canonicalJson(whole.data), at: [] }];
  if (!Array.isArray(value) || looksLikeOneValue(schema, value)) {
    issues.push(...faults(schema, value).map((issue) => placedIssue(issue, value, [])));
    return [];
  }
  if (value.length === 0)
    issues.push({ code: 'custom', message: 'expected at least one value, found an empty list', input: value });
  const levels: LevelInput[] = [];
  const seen = new Set<string>();
  for (const [i, item] of value.entries()) {
    const result = schema.safeParse(item);
    if (!result.success) {
      issues.push(...faults(schema, item).map((issue) => placedIssue(issue, item, [i])));
      continue;
    }
    const key = canonicalJson(result.data);
    if (seen.has(key)) {
      issues.push({ code: 'custom', message: `${JSON.stringify(item)} is listed twice`, input: item, path: [i] });
    }
    seen.add(key);
    levels.push({ value: item, key, at: [i] });
  }
  return levels;
}

/** A list of numbers where no number alone could stand, such as the colour [255, 0, 300]: its own faults are worth telling. */
function looksLikeOneValue(schema: z.ZodType, value: unknown[]): boolean {
  const issues = schema.safeParse(value).error?.issues ?? [];
  const alternatives = issues.some((issue) => issue.code === 'invalid_union' || issue.path.length > 0);
  return (
    alternatives &&
    value.length > 1 &&
    value.every((item) => typeof item === 'number' && !schema.safeParse(item).success)
  );
}

/**
 * What is wrong with a value. Where a schema offers alternatives all of them are heard, also when zod would report only
 * the one that got furthest: "wite" misses the colour names as well as the form #rrggbb.
 */
export function faults(schema: z.ZodType, value: unknown): z.core.$ZodIssue[] {
  const issues = schema.safeParse(value).error?.issues ?? [];
  const alternatives = typeof value === 'string' && issues[0]?.code === 'invalid_format' ? alternativesOf(schema) : [];
  if (alternatives.length < 2) return issues;
  const errors = alternatives.map((alternative) => alternative.safeParse(value).error?.issues ?? []);
  return [{ code: 'invalid_union', errors, path: [], message: 'Invalid input' }];
}

function alternativesOf(schema: z.ZodType): z.ZodType[] {
  let inner: unknown = schema;
  for (;;) {
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodOptional) inner = inner.unwrap();
    else if (inner instanceof z.ZodPipe) inner = inner.in;
    else return inner instanceof z.ZodUnion ? (inner.options as z.ZodType[]) : [];
  }
}

/** Passes the issues of a nested check on, below `path`. */
export function forward(error: z.ZodError, input: unknown, path: PropertyKey[], issues: Issues): void {
  issues.push(...error.issues.map((issue) => placedIssue(issue, input, path)));
}

function placedIssue(issue: z.core.$ZodIssue, input: unknown, path: PropertyKey[]): z.core.$ZodRawIssue {
  return { ...issue, path: [...path, ...issue.path], input } as z.core.$ZodRawIssue;
}
