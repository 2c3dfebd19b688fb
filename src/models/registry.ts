// The networks that specs can name, with their weights.
import { inputError } from '../core/errors.ts';
import { splitVersion, withVersion } from '../core/references.ts';
import { type Registry, registry } from '../core/registry.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Architecture } from './architecture.ts';
import { type ModelOptions, nameWithOptions, readModelOptions } from './options.ts';
import { type Family, IMAGENET, type NetworkSize, networkSizes } from './sizes.ts';
import type { ModelState } from './state.ts';
import { allWeights, locateWeights, weightsCard, weightsName } from './weights/card.ts';
import { publishedAs, publishedFor } from './weights/published.ts';

export interface ModelDefinition {
  /** With `@version` when a version of its weights was asked for, and `?option=value` where options differ from the usual. */
  readonly name: string;
  readonly title: string;
  readonly family: Family | 'onnx';
  /** Side of the square input in pixels that the network is meant for. */
  readonly inputSize: number;
  readonly architecture: Architecture;
  /** The options that its name may carry, at the values it has; undefined where it takes none. */
  readonly options?: Partial<ModelOptions>;
  /** The network without the options of its name, which is what the weights are of; undefined where it has none. */
  readonly plain?: Architecture;
  /** Per-channel normalisation of pixels in [0, 1] that its weights were trained with. */
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** SHA-256 of the pretrained weights; undefined when there are none here. */
  readonly weightsHash: string | undefined;
  /** Leading digits of the SHA-256 of the file that torchvision publishes for it; undefined when it publishes none. */
  readonly publishedHash?: string | undefined;
  /** The pretrained tensors of a model that brings its own; others have theirs in files (weights/card.ts). */
  tensors?(): ModelState;
}

function define(size: NetworkSize, name: string = size.name, options: Partial<ModelOptions> = {}): ModelDefinition {
  const { title, family, inputSize, architecture } = size;
  const changed = Object.keys(options).length > 0 ? size.withOptions?.(options) : undefined;
  return {
    ...{ name, title, family, inputSize, architecture: changed ?? architecture },
    ...(size.options && { options: { ...size.options, ...options } }),
    ...(changed && { plain: architecture }),
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
/** Those with a version or options, by their names in one spelling. */
const variants = new Map<string, ModelDefinition>();

/** By plain name, with a version of the weights that is in the cache or published, with options: `resnet152@V1`, `vgg-mini?dropout=0`. */
export const models: Registry<ModelDefinition> = {
  ...plain,
  has(name) {
    const { model, version } = splitVersion(name);
    return plain.has(model) && (version === undefined || isVersion(name));
  },
  get(name) {
    const { model: base, version } = splitVersion(name);
    const size = networkSizes.find((one) => one.name === base);
    if (!size) return plain.get(base);
    if (version !== undefined && !isVersion(name)) throw missingVersion(withVersion(base, version), base);
    const options = readModelOptions(name, size.options ?? {});
    const canonical = nameWithOptions(withVersion(base, version), options);
    if (plain.has(canonical)) return plain.get(canonical);
    const model = variants.get(canonical) ?? define(size, canonical, options);
    variants.set(canonical, model);
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
