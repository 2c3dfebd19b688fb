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

/** Equal where the levels below a group are. */
export function groupKey(levels: Levels, group: string): string {
  const prefix = `${group}.`;
  let key = '';
  for (const field in levels) if (field.startsWith(prefix)) key += `${field}=${levels[field].key};`;
  return key;
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
