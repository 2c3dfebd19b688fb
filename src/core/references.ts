// Names in a spec that stand for more than a line of a registry: `./birds.zip?train=500`, `./model.onnx`, `resnet152@V1`. Text only.
import { inputError } from './errors.ts';
import { didYouMean } from './suggest.ts';

/** What may stand behind the `?` of a dataset's path; whole numbers. */
export interface ImageFolderOptions {
  /** Training images taken, evenly by class; all by default. */
  readonly train?: number;
  /** Test images taken, evenly by class; all by default. */
  readonly test?: number;
  /** Side in pixels to which all images are resized; by default they must have one size already. */
  readonly size?: number;
}

export interface DatasetReference {
  readonly path: string;
  readonly options: ImageFolderOptions;
}

/** Smallest and largest value of each option, in the order of the canonical form. */
const LIMITS: Readonly<Record<keyof ImageFolderOptions, readonly [number, number]>> = {
  size: [8, 1024],
  test: [1, 1_000_000],
  train: [1, 1_000_000],
};
const OPTIONS = Object.keys(LIMITS) as (keyof ImageFolderOptions)[];

/** Whether a dataset's name is the path of a folder or archive: it has a path separator or ends in `.zip`. */
export function isDatasetReference(name: string): boolean {
  return /[/\\]/.test(name) || /\.zip(\?|$)/i.test(name);
}

/** Whether a model's name is the path of an ONNX file. */
export function isModelReference(name: string): boolean {
  return /\.onnx$/i.test(name);
}

/**
 * Takes `path?option=value&…` apart.
 * @throws TriggerlabError (input) for an unknown option or a value that it cannot have.
 */
export function parseDatasetReference(name: string): DatasetReference {
  const [, path, query] = /^([^?]*)\??(.*)$/s.exec(name) ?? ['', name, ''];
  const options: { -readonly [Key in keyof ImageFolderOptions]: ImageFolderOptions[Key] } = {};
  for (const part of query.split('&').filter((text) => text !== '')) {
    const [key, text = ''] = part.split(/=(.*)/s, 2);
    const option = OPTIONS.find((known) => known === key);
    if (!option) throw inputError(`${name}: unknown option "${key}"`, { hint: didYouMean(key, OPTIONS) });
    if (option in options) throw inputError(`${name}: ${option} is given twice`, { hint: 'Keep one of the two.' });
    const [least, most] = LIMITS[option];
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw inputError(`${name}: ${option} "${text}", expected a whole number from ${least} to ${most}`, {
        hint: `For example ${path}?${option}=${Math.max(least, Math.min(most, option === 'size' ? 32 : 1000))}`,
      });
    }
    options[option] = value;
  }
  return { path, options };
}

/** The one spelling of a reference: options in alphabetical order. */
export function formatDatasetReference({ path, options }: DatasetReference): string {
  const query = OPTIONS.flatMap((key) => (options[key] === undefined ? [] : [`${key}=${options[key]}`]));
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
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

/** Takes `resnet152@V1` apart: a line of the registry, and which of its weights. A path has no version. */
export function splitVersion(name: string): { readonly model: string; readonly version: string | undefined } {
  const at = isModelReference(name) ? -1 : name.indexOf('@');
  return at < 0 ? { model: name, version: undefined } : { model: name.slice(0, at), version: name.slice(at + 1) };
}

function lastPart(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== '');
  return parts[parts.length - 1] ?? path;
}
