// The networks that specs can name, with their weights.
import { inputError } from '../core/errors.ts';
import { splitVersion } from '../core/references.ts';
import { type Registry, registry } from '../core/registry.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Architecture } from './architecture.ts';
import { type Family, IMAGENET, type NetworkSize, networkSizes } from './sizes.ts';
import type { ModelState } from './state.ts';
import { allWeights, locateWeights, weightsCard, weightsName } from './weights/card.ts';
import { publishedAs, publishedFor } from './weights/published.ts';

export interface ModelDefinition {
  /** With `@version` when a version of its weights was asked for. */
  readonly name: string;
  readonly title: string;
  readonly family: Family | 'onnx';
  /** Side of the square input in pixels that the network is meant for. */
  readonly inputSize: number;
  readonly architecture: Architecture;
  /** Per-channel normalisation of pixels in [0, 1] that its weights were trained with. */
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** SHA-256 of the pretrained weights; undefined when there are none here. */
  readonly weightsHash: string | undefined;
  /** Leading digits of the SHA-256 of the file that torchvision publishes for it; undefined when it publishes none. */
  readonly publishedHash?: string | undefined;
  /** The pretrained tensors of a model that brings its own; others have theirs in files (weights/card.ts). */
  tensors?(): ModelState;
}

function define(size: NetworkSize, name: string = size.name): ModelDefinition {
  return {
    ...size,
    name,
    normalization: IMAGENET,
    get weightsHash() {
      return weightsCard(name)?.sha256;
    },
    publishedHash: publishedAs(name)?.sha256,
  };
}

const plain = registry(
  'model',
  networkSizes.map((size) => define(size)),
);
const versioned = new Map<string, ModelDefinition>();

/** By plain name, or with a version of the weights that is in the cache or published: `resnet152@V1`. */
export const models: Registry<ModelDefinition> = {
  ...plain,
  has: (name) => plain.has(name) || (plain.has(splitVersion(name).model) && isVersion(name)),
  get(name) {
    const { model: base, version } = splitVersion(name);
    const size = networkSizes.find((one) => one.name === base);
    if (version === undefined || !size) return plain.get(base);
    if (!isVersion(name)) throw missingVersion(name, base);
    const model = versioned.get(name) ?? define(size, name);
    versioned.set(name, model);
    return model;
  },
};

/** Whether there are such weights: in the cache, or published and still to be pulled. */
function isVersion(name: string): boolean {
  return locateWeights(name) !== undefined || publishedAs(name) !== undefined;
}

function missingVersion(name: string, model: string): Error {
  const published = publishedFor(model).map((entry) => entry.version);
  const there = allWeights(model).map((weights) => weights.name);
  const known = new Set([...there, ...published.map((one) => weightsName(model, one))]);
  return inputError(`there are no weights ${name}`, {
    hint: `${didYouMean(name, [...known])} Or import them: triggerlab weights import FILE --model ${name}`,
  });
}
