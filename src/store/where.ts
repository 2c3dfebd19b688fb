// Conditions on runs: `--where model=resnet-mini,seed=1,2` and which runs meet them.
import { inputError } from '../core/errors.ts';
import { datasetLabel, modelLabel, splitModelOptions } from '../core/references.ts';
import { didYouMean } from '../core/suggest.ts';
import { neutralValues } from '../spec/neutral.ts';
import { unsaidParameters } from '../triggers/registry.ts';
import { cellText, columnNames, columnsOf, columnValue, type FlatRun, flattenRun } from './flatten.ts';
import type { RunRecord } from './records.ts';

/** A column and the values any of which it may have. */
export interface Condition {
  readonly field: string;
  readonly values: readonly string[];
}

/**
 * Reads `field=value,field=value`. A part without `=` is one more value for the field before it; commas in brackets
 * belong to the value: `seed=1,2,color=[255,255,255]`.
 * @throws TriggerlabError (input) for text that is not of this form.
 */
export function parseConditions(text: string): Condition[] {
  const conditions = new Map<string, string[]>();
  let field: string | undefined;
  for (const part of splitOutsideBrackets(text)) {
    const at = part.indexOf('=');
    if (at >= 0) field = part.slice(0, at).trim();
    if (!field) {
      throw inputError(`--where: expected field=value, found "${part}"`, {
        hint: 'For example --where model=resnet-mini,seed=1',
      });
    }
    const values = conditions.get(field) ?? [];
    conditions.set(field, [...values, part.slice(at + 1).trim()]);
  }
  return [...conditions].map(([name, values]) => ({ field: name, values }));
}

function splitOutsideBrackets(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if ('[{('.includes(character)) depth++;
    else if (']})'.includes(character)) depth--;
    if (character === ',' && depth <= 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

/** A column's name as columnsOf gives it: `attack.size` and `size`, `attack.type` and `attack` are the same. */
export function canonicalField(name: string, known: readonly string[]): string {
  if (known.includes(name)) return name;
  const bare = name === 'attack.type' ? 'attack' : name.replace(/^attack\./, '');
  return known.includes(bare) ? bare : name;
}

/**
 * Fields in their canonical spelling.
 * @param option under whose name fields that none of the runs has are refused; undefined lets them pass.
 * @throws TriggerlabError (input), with the nearest name, for such a field.
 */
export function checkFields(
  option: string | undefined,
  fields: readonly string[],
  runs: readonly RunRecord[],
): string[] {
  const unsaid = runs.flatMap(({ spec }) => Object.keys(unsaidParameters(spec.attack.type)));
  const known = [
    ...new Set([...columnNames(runs.map((run) => flattenRun(run))), ...unsaid, ...Object.keys(neutralValues)]),
  ];
  return fields.map((name) => {
    const field = canonicalField(name, known);
    if (option !== undefined && runs.length > 0 && !known.includes(field)) {
      throw inputError(`${option}: no run has a field "${name}"`, { hint: didYouMean(name, known) });
    }
    return field;
  });
}

/** Whether a run meets every condition. Numbers compare as numbers (`0.5%` is 0.005); an empty value stands for none. */
export function matches(run: RunRecord, conditions: readonly Condition[]): boolean {
  if (conditions.length === 0) return true;
  const flat: FlatRun = flattenRun(run);
  const columns = columnsOf(flat);
  const names = [...columns.keys()];
  return conditions.every(({ field, values }) => {
    const name = canonicalField(field, names);
    const found =
      name === 'experiment'
        ? flat.experiments
        : // As in groups, a network without options stands for all its variants.
          [columnValue(columns, name), ...(name === 'model' ? [splitModelOptions(flat.model).base] : [])];
    // Files go by their short names, whatever path is written.
    const short = name === 'dataset' ? datasetLabel : name === 'model' ? modelLabel : (text: string) => text;
    return values.some((wanted) => found.some((value) => isValue(value, short(wanted))));
  });
}

function isValue(value: unknown, wanted: string): boolean {
  if (typeof value === 'number') {
    const number = wanted.endsWith('%') ? Number(wanted.slice(0, -1)) / 100 : Number(wanted);
    return wanted.trim() !== '' && Math.abs(value - number) <= 1e-12 * Math.abs(value);
  }
  const text = cellText(value);
  return text === wanted || (typeof value === 'object' && text === wanted.replace(/\s/g, ''));
}
