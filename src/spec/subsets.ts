// `zip`, `sample` and `design` in a spec: reading them. All three say which cells of the full product are done.
import { z } from 'zod';
import { inputError } from '../core/errors.ts';
import type { Catalog } from './catalog.ts';
import type { Block, Design, Sample, Zip } from './experiment.ts';
import { fieldPaths, MAX_SEED, resolvePath, suggestField } from './fields.ts';
import { fractionOf, type Generator } from './fraction.ts';
import type { Path, Source } from './source.ts';

const MAX_FACTORS = 20;

/** As written, each part checked alone. */
export interface WrittenSubsets {
  readonly zip?: readonly (readonly string[])[] | undefined;
  readonly sample?: Omit<Sample, 'at'> | undefined;
  readonly design?: WrittenDesign | undefined;
}

interface WrittenDesign {
  readonly factors: Readonly<Record<string, string>>;
  readonly generators: readonly string[];
  readonly fraction?: string | undefined;
}

const fieldNames = z.array(z.string()).min(2, { error: 'expected at least two fields that vary together' });

/** The keys of a spec, with their schemas. */
export const subsetFields = {
  zip: z
    .unknown()
    .transform((value, context): string[][] => {
      const lists = Array.isArray(value) && value.every((item) => typeof item === 'string') ? [value] : value;
      const result = z.array(fieldNames).safeParse(lists);
      if (result.success) return result.data;
      context.issues.push({
        code: 'custom',
        message: 'expected a list of at least two fields, or several such lists',
        params: { hint: 'For example zip: [training.optimizer, training.learningRate].' },
        input: value,
      });
      return z.NEVER;
    })
    .optional(),
  sample: z
    .strictObject({
      method: z.enum(['random', 'sobol']),
      runs: z.int().min(1).max(100_000),
      seed: z.int().min(0).max(MAX_SEED).default(0),
    })
    .optional(),
  design: z
    .strictObject({
      factors: z.record(z.string(), z.string()),
      generators: z.array(z.string()).min(1),
      fraction: z.string().optional(),
    })
    .optional(),
};

/** @throws TriggerlabError (input) for a field that is none, or generators that make no design. */
export function readSubsets(
  { zip = [], sample, design }: WrittenSubsets,
  blocks: readonly Block[],
  source: Source,
  catalog: Catalog,
): { zips: Zip[]; sample: Sample | undefined; design: Design | undefined } {
  if (sample && design) {
    throw inputError(`${source.locate(['sample'])}: sample and design are both given`, {
      hint: 'Keep one of the two.',
    });
  }
  const field = (name: string, path: Path) => {
    const paths = fieldPaths(catalog);
    const found = resolvePath(name, paths);
    const at = source.locate(path);
    if (found === undefined) throw inputError(`${at}: unknown field "${name}"`, { hint: suggestField(name, paths) });
    if (found === 'attack.type' || found === 'defense') {
      throw inputError(`${at}: ${name} cannot vary with other fields`, {
        hint: 'Blocks of attacks and defences do that.',
      });
    }
    if (!blocks.some(({ factors }) => factors.some((factor) => factor.field === found))) {
      throw inputError(`${at}: no run has the field ${name}`, { hint: 'Take it out, or give the field a value.' });
    }
    return found;
  };
  const zips = zip.map((names, i) => ({
    fields: names.map((name, j) => field(name, zip.length === 1 ? ['zip'] : ['zip', i, j])),
    at: source.locate(zip.length === 1 ? ['zip'] : ['zip', i]),
  }));
  const twice = zips.flatMap(({ fields }) => fields).find((name, i, all) => all.indexOf(name) !== i);
  if (twice !== undefined) throw inputError(`${source.locate(['zip'])}: zip: ${twice} is named twice`);
  return {
    zips,
    sample: sample && { ...sample, at: source.locate(['sample']) },
    design: design && readDesign(design, source, field),
  };
}

function readDesign(
  { factors, generators, fraction }: WrittenDesign,
  source: Source,
  field: (name: string, path: Path) => string,
): Design {
  const letters = Object.keys(factors).sort();
  const fail = (path: Path, message: string, hint: string) =>
    inputError(`${source.locate(path)}: design: ${message}`, { hint });
  if (letters.length < 3 || letters.length > MAX_FACTORS) {
    const message = `expected 3 to ${MAX_FACTORS} factors, found ${letters.length}`;
    throw fail(['design', 'factors'], message, 'For example {A: model, B: freeze, C: size}.');
  }
  const odd = letters.find((letter) => !/^[A-HJ-Z]$/.test(letter));
  if (odd !== undefined) {
    throw fail(['design', 'factors'], `"${odd}" is not one capital letter other than I`, 'I stands for the mean.');
  }
  const fields = letters.map((letter) => field(factors[letter], ['design', 'factors', letter]));
  const same = fields.find((name, i) => fields.indexOf(name) !== i);
  if (same !== undefined) throw fail(['design', 'factors'], `${same} has two letters`, 'Keep one.');
  const set = new Set<string>();
  const read = generators.map((text, i): Generator => {
    const [, left, sign, right] = /^\s*([A-Z])\s*=\s*([-−]?)\s*([A-Z](?:\s*\*?\s*[A-Z])*)\s*$/.exec(text) ?? [];
    const path = ['design', 'generators', i];
    const others = [...(right ?? '').replace(/[\s*]/g, '')];
    const known = left !== undefined && [left, ...others].every((letter) => letters.includes(letter));
    if (!known || new Set([left, ...others]).size !== others.length + 1 || others.length < 2) {
      const message = `generator "${text}", expected a letter set to a product of at least two others`;
      throw fail(path, message, `For example D = ABC. Letters here: ${letters.join(', ')}.`);
    }
    if (set.has(left) || others.some((letter) => set.has(letter))) {
      const message = `generator "${text}": ${left} and the letters of its product may not be set by a generator before it`;
      throw fail(path, message, 'Set each letter once, to products of letters that no generator sets.');
    }
    set.add(left);
    const word = others.reduce((bits, letter) => bits | (1 << letters.indexOf(letter)), 0);
    return { factor: letters.indexOf(left), word, sign: sign === '' ? 1 : -1 };
  });
  if (generators.some((text) => [...text.split('=')[1]].some((letter) => set.has(letter)))) {
    throw fail(
      ['design', 'generators'],
      'a letter that is set stands in the product of another',
      'Use letters that are not set.',
    );
  }
  const made = fractionOf(letters.length, read);
  if (!made || made.resolution < 3) {
    throw fail(['design', 'generators'], 'two factors would always change together', 'Take other generators.');
  }
  const share = `1/${2 ** read.length}`;
  if (fraction !== undefined && fraction.replace(/\s/g, '') !== share) {
    throw fail(
      ['design', 'fraction'],
      `${read.length} generators make the fraction ${share}, not ${fraction}`,
      `Write fraction: ${share}, or leave it out.`,
    );
  }
  return { letters, fields, fraction: made, generators, at: source.locate(['design']) };
}
