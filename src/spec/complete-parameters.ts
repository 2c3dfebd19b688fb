// The parameters of an attack or defence, checked together and completed with their defaults.
import type { z } from 'zod';
import { inputError } from '../core/errors.ts';
import type { Levels } from './cells.ts';
import type { Level } from './experiment.ts';
import { explainIssue, valueAt } from './explain-issue.ts';

/** The levels below a group, by the parameter's own name; `type` decides which parameters there are and is none. */
export function parametersIn(levels: Levels, group: string): Levels {
  const below = Object.entries(levels).flatMap(([field, level]): [string, Level][] =>
    field.startsWith(`${group}.`) ? [[field.slice(group.length + 1), level]] : [],
  );
  const { type: _, ...parameters } = Object.fromEntries(below);
  return parameters;
}

/** Texts that are equal where the levels below a group are, by group. */
export type GroupKeys = ReadonlyMap<string, string>;

/** `numberOf` tells levels apart; each is of one field. */
export function groupKeys(levels: Levels, numberOf: (level: Level) => number): GroupKeys {
  const keys = new Map<string, string>();
  for (const field in levels) {
    const dot = field.indexOf('.');
    if (dot < 0) continue;
    const group = field.slice(0, dot);
    keys.set(group, `${keys.get(group) ?? ''} ${numberOf(levels[field])}`);
  }
  return keys;
}

/**
 * Parameters as `schema` completes them.
 * @param at where the block stands, told where a parameter's place is not known
 * @param help the command that explains the type
 * @throws TriggerlabError (input) for what does not go together, or is missing.
 */
export function completed(schema: z.ZodType<object>, levels: Levels, type: string, at: string, help: string): object {
  const parameters = Object.fromEntries(Object.entries(levels).map(([name, level]) => [name, level.value]));
  const result = schema.safeParse(parameters);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = issue.path.map(String).join('.');
  const found = valueAt(issue.path, parameters);
  const { message, hint } = explainIssue(issue, found);
  if (found === undefined && name !== '') {
    const wanted = message.replace(/, found nothing$/, '');
    throw inputError(`${at}: ${name} of ${type} is missing: ${wanted}`, { hint: `See triggerlab ${help}.` });
  }
  throw inputError(`${levels[name]?.at ?? at}: ${type}: ${message}`, { hint });
}
