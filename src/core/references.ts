// Names in a spec that stand for more than a line of a registry: `./birds.zip?train=500`, `mnist?perClass=100`, `./model.onnx`, `resnet152@V1`. Text only.
import { inputError } from './errors.ts';
import { didYouMean } from './suggest.ts';

/** What may stand behind the `?` of a dataset; the numbers are whole. */
export interface DatasetOptions {
  /** Classes kept, each by its name or by its number from 0; all by default. They are numbered anew, in their old order. */
  readonly classes?: readonly string[];
  /** At most so many images of a split, evenly by class, where `train` and `test` do not say it. */
  readonly limit?: number;
  /** At most so many images of each class of a split, where `train` and `test` do not say it. */
  readonly perClass?: number;
  /** Which images are taken, and how a folder without splits is split: another number, other images. 0 by default. */
  readonly seed?: number;
  /** Side in pixels to which all images are resized; by default a folder's images must have one size already. */
  readonly size?: number;
  /** Test images taken, evenly by class; all by default. */
  readonly test?: number;
  /** Training images taken, evenly by class; all by default. */
  readonly train?: number;
}

export interface DatasetReference {
  /** A path, or a line of the registry. */
  readonly path: string;
  readonly options: DatasetOptions;
}

/** Smallest and largest value of each number, and one to show. */
const LIMITS: Readonly<Record<Exclude<keyof DatasetOptions, 'classes'>, readonly [number, number, number]>> = {
  limit: [1, 1_000_000, 1000],
  perClass: [1, 1_000_000, 100],
  seed: [0, 2 ** 31 - 1, 1],
  size: [8, 1024, 32],
  test: [1, 1_000_000, 1000],
  train: [1, 1_000_000, 1000],
};
/** In the order of the canonical form. */
const OPTIONS = ['classes', 'limit', 'perClass', 'seed', 'size', 'test', 'train'] as const;

/** Whether a dataset's name is the path of a folder or archive: it has a path separator or ends in `.zip`. */
export function isDatasetReference(name: string): boolean {
  const base = datasetBase(name);
  return /[/\\]/.test(base) || /\.zip$/i.test(base);
}

/** Whether a model's name is the path of an ONNX file, options behind it or not. */
export function isModelReference(name: string): boolean {
  return /\.onnx(\?[^/\\]*)?$/i.test(name);
}

/**
 * Takes `path?option=value&…` apart, or `{name: …, option: value, …}` as a spec may write it.
 * @throws TriggerlabError (input) for an unknown option or a value that it cannot have.
 */
export function parseDatasetReference(written: string | object): DatasetReference {
  const [path, parts] = typeof written === 'string' ? splitQuery(written) : splitMapping(written);
  const shown = typeof written === 'string' ? written : JSON.stringify(written);
  const options: { -readonly [Key in keyof DatasetOptions]: DatasetOptions[Key] } = {};
  for (const [key, text] of parts) {
    const option = OPTIONS.find((known) => known === key);
    if (!option) throw inputError(`${shown}: unknown option "${key}"`, { hint: didYouMean(key, OPTIONS) });
    if (option in options) throw inputError(`${shown}: ${option} is given twice`, { hint: 'Keep one of the two.' });
    if (option === 'classes') options.classes = readClasses(text, shown, path);
    else options[option] = readNumber(option, text, shown, path);
  }
  const { limit, perClass, train, test } = options;
  const [sparing] = [limit, perClass].flatMap((value, i) =>
    value === undefined ? [] : [i === 0 ? 'limit' : 'perClass'],
  );
  if (limit !== undefined && perClass !== undefined) {
    throw inputError(`${shown}: limit and perClass cannot stand together`, { hint: 'Keep one of the two.' });
  }
  if (sparing !== undefined && train !== undefined && test !== undefined) {
    throw inputError(`${shown}: ${sparing} has no effect beside train and test`, { hint: 'Take it out.' });
  }
  // The neutral choice has one spelling.
  if (options.seed === 0) delete options.seed;
  return { path, options };
}

function splitQuery(text: string): [path: string, parts: [string, string][]] {
  const [, path, query] = /^([^?]*)\??(.*)$/s.exec(text) ?? ['', text, ''];
  const parts = query.split('&').filter((part) => part !== '');
  return [
    path,
    parts.map((part) => part.split(/=(.*)/s, 2) as [string, string]).map(([key, value = '']) => [key, value]),
  ];
}

function splitMapping(written: object): [path: string, parts: [string, string][]] {
  const { name, path, ...rest } = written as Record<string, unknown>;
  const base = name ?? path;
  if (typeof base !== 'string' || base === '' || base.includes('?') || (name !== undefined && path !== undefined)) {
    throw inputError(`${JSON.stringify(written)}: a dataset is {name: …} or {path: …}, with its options beside it`, {
      hint: 'For example {name: mnist, perClass: 100}.',
    });
  }
  const parts = Object.entries(rest).map(([key, value]): [string, string] => {
    const list = Array.isArray(value) ? value : [value];
    return [key, list.map((item) => escapeClass(String(item))).join(CLASS_SEPARATOR)];
  });
  return [base, parts];
}

function readNumber(option: keyof typeof LIMITS, text: string, shown: string, path: string): number {
  const [least, most, example] = LIMITS[option];
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw inputError(`${shown}: ${option} "${text}", expected a whole number from ${least} to ${most}`, {
    hint: `For example ${path}?${option}=${example}`,
  });
}

/** Between classes: a comma would part the levels of a `--set`, and the items of a list in YAML. It is read all the same. */
const CLASS_SEPARATOR = '+';

/** Distinct classes in one order: numbers by value, then names. */
function readClasses(text: string, shown: string, path: string): string[] {
  const classes = text
    .split(/[+,]/)
    .filter((item) => item !== '')
    .map((item) => unescapeClass(item, shown));
  if (new Set(classes).size !== classes.length) throw inputError(`${shown}: a class is listed twice`);
  if (classes.length < 2) {
    throw inputError(`${shown}: classes "${text}", expected at least two`, { hint: `For example ${path}?classes=0+1` });
  }
  const number = (item: string) => (/^\d{1,9}$/.test(item) ? Number(item) : Number.POSITIVE_INFINITY);
  return classes.sort((a, b) => (number(a) === number(b) ? (a < b ? -1 : 1) : number(a) - number(b)));
}

function escapeClass(name: string): string {
  return name.replace(/[%&+,?/\\]/g, encodeURIComponent);
}

function unescapeClass(text: string, shown: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw inputError(`${shown}: "${text}" is no name of a class`, { hint: 'Write % as %25.' });
  }
}

/** The one spelling of a reference: options in alphabetical order. */
export function formatDatasetReference({ path, options }: DatasetReference): string {
  const query = OPTIONS.flatMap((key) => {
    const value = options[key];
    if (value === undefined) return [];
    return [`${key}=${typeof value === 'number' ? value : value.map(escapeClass).join(CLASS_SEPARATOR)}`];
  });
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

/** A dataset's name without its options. */
export function datasetBase(name: string): string {
  return name.split('?', 1)[0];
}

/** A dataset's name as results show it: of a path the last part with its options, `/` after the name of a folder. */
export function datasetLabel(name: string): string {
  if (!isDatasetReference(name)) return name;
  const [path, query] = name.split(/(?=\?)/, 2);
  return `${lastPart(path)}${/\.zip$/i.test(path) ? '' : '/'}${query ?? ''}`;
}

/** A model's name as results show it: of a path the last part. */
export function modelLabel(name: string): string {
  return isModelReference(name) ? lastPart(name) : name;
}

/** Takes `resnet152@V1` apart: a line of the registry, and which of its weights. A path has no version. Options are left out. */
export function splitVersion(name: string): { readonly model: string; readonly version: string | undefined } {
  const { base } = splitModelOptions(name);
  const at = isModelReference(base) ? -1 : base.indexOf('@');
  return at < 0 ? { model: base, version: undefined } : { model: base.slice(0, at), version: base.slice(at + 1) };
}

/** Takes `alexnet@V1?dense=64&dropout=0` apart: what stands before the `?`, and the options as written. */
export function splitModelOptions(name: string): {
  readonly base: string;
  readonly options: readonly (readonly [name: string, text: string])[];
} {
  // A path may have a question mark of its own.
  if (/\.onnx$/i.test(name)) return { base: name, options: [] };
  const [base, options] = splitQuery(name);
  return { base, options };
}

/** The one spelling of a model with options: by name, in alphabetical order. */
export function formatModel(base: string, options: Readonly<Record<string, unknown>>): string {
  const query = Object.keys(options)
    .sort()
    .map((name) => `${name}=${options[name]}`);
  return query.length === 0 ? base : `${base}?${query.join('&')}`;
}

/** A model's name with a version of its weights, before the options. */
export function withVersion(name: string, version: string | undefined): string {
  const { base, options } = splitModelOptions(name);
  return formatModel(version === undefined ? base : `${base}@${version}`, Object.fromEntries(options));
}

function lastPart(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== '');
  return parts[parts.length - 1] ?? path;
}

/** A file that a trigger's parameter names: where it lay, and what was in it. The path plays no part in a run's identity. */
export interface FileReference {
  readonly path: string;
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly sha256: string;
}

export function isFileReference(value: unknown): value is FileReference {
  return typeof value === 'object' && value !== null && 'path' in value && 'sha256' in value;
}

/** A file as results show it: the last part of its path and the first digits of its hash, `logo.png (3fa2b1c8)`. */
export function fileLabel({ path, sha256 }: FileReference): string {
  return `${lastPart(path)} (${sha256.slice(0, 8)})`;
}
