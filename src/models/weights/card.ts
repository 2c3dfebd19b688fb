// The cards of weights: what they are, where they come from, and the hash that names them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { cacheDirectory } from '../../core/cache-directory.ts';
import { inputError, messageOf } from '../../core/errors.ts';
import { splitModelOptions, splitVersion } from '../../core/references.ts';
import { publishedFor } from './published.ts';

export interface WeightsCard {
  readonly model: string;
  /** Tells several weights of a model apart: torchvision's V1 and V2, or what the user calls them. */
  readonly version?: string;
  /** File name beside the card. */
  readonly file: string;
  readonly sha256: string;
  /** Input side in pixels and number of classes the weights were trained for. */
  readonly inputSize: number;
  readonly classes: number;
  /** The images they were trained on. */
  readonly data: string;
  /** Imported weights: the address or file they came from, and its SHA-256. */
  readonly source?: string;
  readonly sourceSha256?: string;
  /** Weights we trained: the command that made them, and with which seed. */
  readonly command?: string;
  readonly seed?: number;
  readonly epochs?: number;
  /** Share of held-out images classified right, top 1 and top 5. */
  readonly accuracy?: { readonly top1: number; readonly top5: number; readonly images: number };
  readonly seconds?: number;
}

/** A card and where its file is. */
export interface LocatedWeights {
  /** What a spec calls them: the model, with `@version` where they have one. */
  readonly name: string;
  readonly card: WeightsCard;
  /** Absolute path of the safetensors file. */
  readonly path: string;
  readonly where: 'shipped' | 'cache';
}

/** What must be right in a card for its file to be used. */
const cardSchema = z.looseObject({
  model: z.string(),
  version: z.string().optional(),
  file: z.string().regex(/^[\w.-]+\.safetensors$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  inputSize: z.int().positive(),
  classes: z.int().positive(),
  data: z.string(),
});

/** The folder of shipped weights, beside the compiled program as beside the sources. */
export const weightsDirectory: string = fileURLToPath(new URL('../../../weights/', import.meta.url));

/** The folder of weights that were imported, with their cards. */
export function importedWeightsDirectory(): string {
  return join(cacheDirectory(), 'weights');
}

/** What a spec calls a model with a version of its weights. */
export function weightsName(model: string, version: string | undefined): string {
  return version === undefined ? model : `${model}@${version}`;
}

/** Weights found, by directory and name: a process goes on with those that it began with. */
const located = new Map<string, LocatedWeights>();

/**
 * The weights that a model's name stands for, undefined when there are none. `resnet152@V1`: that version, in the cache.
 * A plain name: the shipped weights; else, in the cache, those imported without a version, torchvision's default, or
 * the last version by name.
 * @throws TriggerlabError (input) when a card in the cache is damaged.
 */
export function locateWeights(model: string): LocatedWeights | undefined {
  const name = splitModelOptions(model).base;
  const cache = importedWeightsDirectory();
  const key = join(cache, name);
  const found = located.get(key) ?? findWeights(name, cache);
  if (found) located.set(key, found);
  return found;
}

function findWeights(name: string, cache: string): LocatedWeights | undefined {
  const { model, version } = splitVersion(name);
  if (version !== undefined) return versionsIn(cache, model).includes(version) ? readCard(cache, name) : undefined;
  const plain = readCard(weightsDirectory, model) ?? readCard(cache, model);
  if (plain) return plain;
  const versions = versionsIn(cache, model);
  const preferred = publishedFor(model).find(({ isDefault }) => isDefault)?.version;
  const chosen = versions.find((one) => one === preferred) ?? versions.at(-1);
  return chosen === undefined ? undefined : readCard(cache, weightsName(model, chosen));
}

/** All weights of a model: shipped, imported without a version, then version by version. */
export function allWeights(model: string): LocatedWeights[] {
  const cache = importedWeightsDirectory();
  const shipped = readCard(weightsDirectory, model);
  const names = [model, ...versionsIn(cache, model).map((version) => weightsName(model, version))];
  const imported = names.map((name) => readCard(cache, name));
  return [shipped, ...imported].filter((one) => one !== undefined);
}

/** The card of the weights that a name stands for. */
export function weightsCard(name: string): WeightsCard | undefined {
  return locateWeights(name)?.card;
}

/** Absolute path of the file of the weights that a name stands for. */
export function weightsPath(name: string): string | undefined {
  return locateWeights(name)?.path;
}

/** Lets cards be read again: they have changed. */
export function forgetCards(): void {
  located.clear();
}

/** Versions of a model in the cache, by name, numbers in them as numbers. */
function versionsIn(cache: string, model: string): string[] {
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .filter((file) => file.startsWith(`${model}@`) && file.endsWith('.json'))
    .map((file) => file.slice(model.length + 1, -'.json'.length))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

function readCard(directory: string, name: string): LocatedWeights | undefined {
  const path = join(directory, `${name}.json`);
  if (!existsSync(path)) return undefined;
  const where = directory === weightsDirectory ? 'shipped' : 'cache';
  try {
    const card = cardSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) as WeightsCard;
    if (weightsName(card.model, card.version) !== name) throw new Error(`it is the card of ${card.model}`);
    return { name, card, path: join(directory, card.file), where };
  } catch (cause) {
    throw inputError(`${path} is damaged: ${messageOf(cause).slice(0, 200)}`, {
      hint: 'Delete it and import the weights again: triggerlab weights import.',
      cause,
    });
  }
}
