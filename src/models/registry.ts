// The networks that specs can name, with their weights.
import { inputError } from '../core/errors.ts';
import { splitVersion } from '../core/references.ts';
import { type Registry, registry } from '../core/registry.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Architecture } from './architecture.ts';
import { type Family, IMAGENET, type NetworkSize, networkSizes } from './sizes.ts';
import type { ModelState } from './state.ts';
import { allWeights, locateWeights, weightsCard, weightsName } from './weights/card.ts';
import { publishedFor } from './weights/published.ts';

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
  /** SHA-256 of the pretrained weights; undefined when there are none. */
  readonly weightsHash: string | undefined;
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
  };
}

const plain = registry(
  'model',
  networkSizes.map((size) => define(size)),
);
const versioned = new Map<string, ModelDefinition>();

/** By plain name, or with a version of the weights that is in the cache: `resnet152@V1`. */
export const models: Registry<ModelDefinition> = {
  ...plain,
  has: (name) => plain.has(name) || (plain.has(splitVersion(name).model) && locateWeights(name) !== undefined),
  get(name) {
    const { model: base, version } = splitVersion(name);
    const size = networkSizes.find((one) => one.name === base);
    if (version === undefined || !size) return plain.get(base);
    if (!locateWeights(name)) throw missingVersion(name, base, version);
    const model = versioned.get(name) ?? define(size, name);
    versioned.set(name, model);
    return model;
  },
};

function missingVersion(name: string, model: string, version: string): Error {
  const published = publishedFor(model).map((entry) => entry.version);
  if (published.some((known) => known === version)) {
    return inputError(`the weights ${name} are not in the cache`, {
      hint: `Get them: triggerlab weights pull ${name}`,
    });
  }
  const there = allWeights(model).map((weights) => weights.name);
  const known = new Set([...there, ...published.map((one) => weightsName(model, one))]);
  return inputError(`there are no weights ${name}`, {
    hint: `${didYouMean(name, [...known])} Or import them: triggerlab weights import FILE --model ${name}`,
  });
}
