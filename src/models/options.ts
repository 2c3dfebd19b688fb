// What a model's name may set behind a `?`, such as `alexnet-mini?dense=64&dropout=0`: sizes and dropout of a known network.
import { inputError } from '../core/errors.ts';
import { formatModel, splitModelOptions } from '../core/references.ts';
import { didYouMean } from '../core/suggest.ts';

/** Where the dropout of hidden dense layers lies: before each (AlexNet), or behind each and its ReLU (VGG). */
export const DROPOUT_PLACES = ['before', 'after'] as const;
export type DropoutPlace = (typeof DROPOUT_PLACES)[number];

export interface ModelOptions {
  /** What every number of channels is multiplied by. */
  readonly width: number;
  /** Width of the hidden dense layers. */
  readonly dense: number;
  /** Share of the inputs of a dense layer that dropout silences while training, from 0 up to below 1. */
  readonly dropout: number;
  readonly dropoutAt: DropoutPlace;
}

export type OptionName = keyof ModelOptions;

interface Option<T> {
  readonly expected: string;
  readonly example: string;
  /** Undefined for text that is no value. */
  read(text: string): T | undefined;
}

const MAX_DENSE = 16_384;
const MAX_WIDTH = 8;

const OPTIONS: { readonly [Name in OptionName]: Option<ModelOptions[Name]> } = {
  width: {
    expected: `a factor above 0, up to ${MAX_WIDTH}`,
    example: '0.5',
    read: (text) =>
      /^\d?\.?\d{1,6}$/.test(text) && Number(text) > 0 && Number(text) <= MAX_WIDTH ? Number(text) : undefined,
  },
  dense: {
    expected: `a whole number from 1 to ${MAX_DENSE}`,
    example: '64',
    read: (text) => (/^\d{1,6}$/.test(text) && within(Number(text), 1, MAX_DENSE) ? Number(text) : undefined),
  },
  dropout: {
    expected: 'a share from 0 up to below 1',
    example: '0.5',
    read: (text) => (/^\d?\.?\d{1,6}$/.test(text) && Number(text) < 1 ? Number(text) : undefined),
  },
  dropoutAt: {
    expected: DROPOUT_PLACES.join(' or '),
    example: 'after',
    read: (text) => DROPOUT_PLACES.find((place) => place === text),
  },
};

export const optionNames = Object.keys(OPTIONS) as readonly OptionName[];

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

/**
 * The options of a name that differ from those the network has anyway; what then has no effect is left out as well.
 * `defaults` holds those that this network takes.
 * @throws TriggerlabError (input) for an option that it does not take, or a value that the option cannot have.
 */
export function readModelOptions(name: string, defaults: Partial<ModelOptions>): Partial<ModelOptions> {
  const { base, options } = splitModelOptions(name);
  const taken = optionNames.filter((option) => option in defaults);
  const read: Partial<Record<OptionName, ModelOptions[OptionName]>> = {};
  for (const [key, text] of options) {
    const option = optionNames.find((known) => known === key);
    if (option === undefined || !taken.includes(option)) throw notTaken(name, base, key, taken);
    if (option in read) throw inputError(`${name}: ${option} is given twice`, { hint: 'Keep one of the two.' });
    const value = OPTIONS[option].read(text);
    if (value === undefined) {
      throw inputError(`${name}: ${option} "${text}", expected ${OPTIONS[option].expected}`, {
        hint: `For example ${base}?${option}=${OPTIONS[option].example}`,
      });
    }
    read[option] = value;
  }
  const without = (read.dropout ?? defaults.dropout) === 0;
  const kept = taken.filter(
    (option) => option in read && read[option] !== defaults[option] && !(without && option === 'dropoutAt'),
  );
  return Object.fromEntries(kept.map((option) => [option, read[option]]));
}

function notTaken(name: string, base: string, key: string, taken: readonly OptionName[]): Error {
  if (taken.length === 0) {
    return inputError(`${name}: ${base} takes no options`, {
      hint: 'Networks of the families alexnet and vgg take dense, dropout and dropoutAt, those of googlenet dropout, the -mini ones width.',
    });
  }
  const known = optionNames.some((option) => option === key);
  return inputError(known ? `${name}: ${base} has no ${key}` : `${name}: unknown option "${key}"`, {
    hint: known ? `It takes ${taken.join(', ')}.` : didYouMean(key, taken),
  });
}

/** The one spelling of a model with these options. */
export function nameWithOptions(base: string, options: Partial<ModelOptions>): string {
  return formatModel(base, options);
}
