// Weights from a file into the cache: checked against the network, written as aligned float32 safetensors with their card.
import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { requireSpace } from '../../core/disk-space.ts';
import { failedError, inputError, TriggerlabError } from '../../core/errors.ts';
import { fileSha256 } from '../../core/file-hash.ts';
import { removeAbandoned, writeFileAtomic } from '../../core/files.ts';
import { sizeOf, type Tensor } from '../../core/tensor.ts';
import type { ModelDefinition } from '../registry.ts';
import {
  forgetCards,
  importedWeightsDirectory,
  type LocatedWeights,
  locateWeights,
  type WeightsCard,
  weightsName,
} from './card.ts';
import { fitWeights } from './fit-weights.ts';
import { openWeights } from './open-weights.ts';
import { PUBLISHED_DATA, type PublishedWeights, publishedFor } from './published.ts';
import { writeSafetensors } from './safetensors-file.ts';
import type { WeightsFile } from './weights-file.ts';

export type ImportingModel = Pick<ModelDefinition, 'name' | 'architecture' | 'inputSize'>;

export interface ImportOptions {
  /** Name that tells them from others of the model; by default torchvision's, for a file that it published, else none. */
  readonly version?: string;
  /** What the file is known to be; by default found by its SHA-256. */
  readonly published?: PublishedWeights;
  /** Side of the images they were trained on; by default the model's own. */
  readonly inputSize?: number;
  /** What the file puts before the network's names. */
  readonly prefix?: string;
  /** The images they were trained on, in words. */
  readonly data?: string;
  /** Where the file came from; by default its path. */
  readonly source?: string;
  /** Share of the work done, in [0, 1]. */
  readonly onProgress?: (share: number) => void;
}

const VERSION = /^[a-z0-9][a-z0-9._-]{0,39}$/;
/** Names that torchvision gives. */
const RESERVED = /^(imagenet1k_)?v\d+$/i;

/**
 * Imports the weights of a model from any file that `openWeights` reads. What was imported before for the model under the
 * same version is replaced in one moment; its file is left to programs that have it open and can be deleted.
 * @throws TriggerlabError (input) when the file cannot be read or does not fit, the version is no name, or the model
 * ships with weights and no version is given; (failed) when the cache cannot be written.
 */
export async function importWeights(
  model: ImportingModel,
  path: string,
  options: ImportOptions = {},
): Promise<LocatedWeights> {
  const { version } = options;
  if (version === undefined && locateWeights(model.name)?.where === 'shipped') {
    throw inputError(`${model.name} comes with weights of its own, which others cannot replace`, {
      hint: `Give yours a version: --model ${model.name}@mine`,
    });
  }
  if (version !== undefined && !VERSION.test(version) && !RESERVED.test(version)) {
    throw inputError(`"${version}" cannot name weights`, {
      hint: 'Lower-case letters, digits, dots, hyphens and underscores, at most 40, such as @mine.',
    });
  }
  try {
    return await importInto(importedWeightsDirectory(), model, path, options);
  } catch (error) {
    if (error instanceof TriggerlabError || !(error instanceof Error && 'syscall' in error)) throw error;
    throw failedError(`cannot write the weights of ${model.name}: ${error.message}`, {
      hint: 'Set TRIGGERLAB_CACHE to a directory with room that you can write to.',
    });
  }
}

async function importInto(
  directory: string,
  model: ImportingModel,
  path: string,
  options: ImportOptions,
): Promise<LocatedWeights> {
  const weights = await openWeights(path);
  try {
    const inputSize = options.inputSize ?? model.inputSize;
    const { shapes, classes, prefix } = fitWeights(weights, model, inputSize, options.prefix);
    const total = [...shapes.values()].reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
    requireSpace(directory, total, `the weights of ${model.name}`);
    const sourceSha256 = await fileSha256(path);
    const published =
      options.published ?? publishedFor(model.name).find(({ sha256 }) => sourceSha256.startsWith(sha256));
    const version = options.version ?? published?.version;
    if (version !== undefined && RESERVED.test(version) && version !== published?.version) {
      throw inputError(`${path} is not what torchvision publishes as ${weightsName(model.name, version)}`, {
        hint: `Choose a name of your own: --model ${model.name}@mine`,
      });
    }
    removeAbandoned(directory);
    let done = 0;
    const written = await writeSafetensors(
      directory,
      (sha256) => `${model.name}-${sha256.slice(0, 8)}.safetensors`,
      Object.fromEntries([...shapes].map(([name, shape]) => [name, { dtype: 'float32' as const, shape }])),
      async (name) => {
        const tensor = await finiteFloat32(weights, prefix + name);
        done += tensor.data.byteLength;
        options.onProgress?.(done / total);
        return tensor;
      },
      { model: model.name, format: 'pt' },
    );
    const card: WeightsCard = {
      model: model.name,
      ...(version === undefined ? {} : { version }),
      file: written.file,
      sha256: written.sha256,
      inputSize,
      classes,
      data: options.data ?? (published ? PUBLISHED_DATA : 'not known'),
      source: options.source ?? resolve(path),
      sourceSha256,
    };
    const name = weightsName(model.name, version);
    await writeFileAtomic(join(directory, `${name}.json`), `${JSON.stringify(card, null, 2)}\n`);
    forgetCards();
    return { name, card, path: join(directory, card.file), where: 'cache' };
  } finally {
    await weights.close();
  }
}

/** A tensor as float32. @throws TriggerlabError (input) when a value is infinite or not a number. */
async function finiteFloat32(weights: WeightsFile, name: string): Promise<Tensor<'float32'>> {
  const { shape, data } = await weights.read(name);
  const values = data instanceof Float32Array ? data : Float32Array.from(data as Float64Array);
  for (let odd = 0; odd < values.length; odd++) {
    if (Number.isFinite(values[odd])) continue;
    throw inputError(`${weights.path}: "${name}" holds ${values[odd]} (element ${odd})`, {
      hint: 'These weights cannot be used: training diverged, or the file is damaged.',
    });
  }
  return { dtype: 'float32', shape, data: values };
}

/** Whether the file of located weights is there and as its card says, byte for byte. */
export async function weightsIntact({ card, path }: LocatedWeights): Promise<boolean> {
  return existsSync(path) && statSync(path).isFile() && (await fileSha256(path)) === card.sha256;
}

/** What an import is called in messages and cards. */
export function importCommand(file: string, model: string): string {
  return `triggerlab weights import ${basename(file)} --model ${model}`;
}
