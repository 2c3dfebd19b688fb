// The files and versions of weights that a spec names: found before the spec is checked, so that checking it needs no file.
import { inputError, TriggerlabError } from '../core/errors.ts';
import { canonicalJson } from '../core/hash.ts';
import {
  datasetLabel,
  formatDatasetReference,
  isDatasetReference,
  isModelReference,
  modelLabel,
  parseDatasetReference,
  splitModelOptions,
  splitVersion,
} from '../core/references.ts';
import type { Registry } from '../core/registry.ts';
import type { DatasetProgress } from '../data/dataset.ts';
import { pictureReference, readPicture } from '../data/picture.ts';
import { findDataset } from '../data/references.ts';
import { datasets as registeredDatasets } from '../data/registry.ts';
import { type ModelDefinition, models as registeredModels } from '../models/registry.ts';
import { locateWeights } from '../models/weights/card.ts';
import { triggers } from '../triggers/registry.ts';
import { type Catalog, type CatalogDataset, catalogOf, installed } from './catalog.ts';
import { applyOverrides, parseOverride } from './overrides.ts';
import { clone, type Path, parseYaml, readSpecFile, type Source } from './source.ts';

export interface CatalogOptions {
  /** `field=value,…` texts, as given to `--set`. */
  readonly overrides?: readonly string[];
  readonly onProgress?: DatasetProgress;
}

/**
 * What a spec may name: everything that is installed, and the folders, archives and ONNX files whose paths it has. The
 * first time a folder is named its images are read. `spec` is a file or a plain object.
 * @throws TriggerlabError (input), with the place in the spec, for a path that is no such thing.
 */
export async function catalogFor(spec: string | object, options: CatalogOptions = {}): Promise<Catalog> {
  const written: Source =
    typeof spec === 'string' ? parseYaml(readSpecFile(spec), spec) : { value: clone(spec), locate: () => 'spec' };
  const overrides = (options.overrides ?? []).map((text) => parseOverride(text, installed));
  const source = isPlain(written.value) ? applyOverrides(written, overrides, installed) : written;
  const datasets = new Named<CatalogDataset>('dataset', datasetLabel, ({ fingerprint }) => fingerprint);
  const models = new Named<ModelDefinition>(
    'model',
    modelLabel,
    // One set of weights in networks of different sizes is not one thing.
    ({ name, weightsHash, publishedHash }) =>
      canonicalJson([weightsHash ?? publishedHash ?? name, splitModelOptions(name).options]),
  );
  for (const { kind, written: found, path } of namesIn(source.value)) {
    try {
      const name = typeof found === 'string' ? found : formatDatasetReference(parseDatasetReference(found));
      if (kind === 'dataset') await addDataset(datasets, name, options.onProgress);
      else if (kind === 'model') await addModel(models, name);
      else await readPicture(pictureReference(name));
    } catch (error) {
      if (!(error instanceof TriggerlabError) || error.kind !== 'input') throw error;
      throw inputError(`${source.locate(path)}: ${kind}: ${error.message}`, { hint: error.hint, cause: error });
    }
  }
  return catalogOf(models.beside(registeredModels), datasets.beside(registeredDatasets));
}

async function addDataset(
  datasets: Named<CatalogDataset>,
  name: string,
  onProgress: DatasetProgress | undefined,
): Promise<void> {
  // Lines of the registry are known without looking.
  if (datasets.has(name) || !(isDatasetReference(name) || name.includes('?'))) return;
  const reference = formatDatasetReference(parseDatasetReference(name));
  datasets.add(name, { ...(await findDataset(reference, onProgress)), name: reference });
}

async function addModel(models: Named<ModelDefinition>, name: string): Promise<void> {
  if (isModelReference(name)) {
    // Loaded here because it brings in the reader of ONNX files, which most specs do not need.
    const { findModel } = await import('../models/references.ts');
    if (!models.has(name)) models.add(name, { ...findModel(name), name });
  } else if (registeredModels.has(splitVersion(name).model)) {
    if (models.has(name)) return;
    const model = registeredModels.get(name);
    const withOptions = splitModelOptions(name).options.length > 0;
    // Plain names of weights that are not shipped too, so that one set of weights under two names is noticed.
    const shipped = locateWeights(name)?.where === 'shipped';
    if (withOptions || (!shipped && (model.weightsHash ?? model.publishedHash))) models.add(name, model);
  } else if (splitModelOptions(name).options.length > 0 && !isDatasetReference(name)) {
    // Says what is nearest.
    registeredModels.get(name);
  } else if (isDatasetReference(name)) {
    throw inputError(`${name} is no ONNX file`, {
      hint: 'Of models given by path, those that end in .onnx are read; triggerlab models ls lists the others.',
    });
  }
}

interface FoundName {
  readonly kind: 'dataset' | 'model' | 'picture';
  /** A name, or a dataset as a mapping. */
  readonly written: string | object;
  readonly path: Path;
}

const pictureParameters = new Set(triggers.all.flatMap(({ pictures = [] }) => pictures));

function kindOf(key: string): FoundName['kind'] | undefined {
  if (key === 'dataset' || key === 'model') return key;
  return pictureParameters.has(key.replace(/^attack\./, '')) ? 'picture' : undefined;
}

/** Everything that stands for a dataset, a model or a picture, in the fields themselves and in rules. */
function namesIn(value: unknown, path: Path = []): FoundName[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => namesIn(item, [...path, i]));
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, member]): FoundName[] => {
    const below = [...path, key];
    const kind = kindOf(key);
    if (kind === undefined) return namesIn(member, below);
    const items = Array.isArray(member) ? member.map((item: unknown, i) => ({ item, at: [...below, i] })) : [];
    return [{ item: member, at: below }, ...items].flatMap(({ item, at }): FoundName[] =>
      typeof item === 'string' || (kind === 'dataset' && isPlain(item)) ? [{ kind, written: item, path: at }] : [],
    );
  });
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Things found by path. One thing under two paths is one entry, which both names lead to. */
class Named<T extends { readonly name: string }> {
  readonly #kind: string;
  readonly #labelOf: (name: string) => string;
  readonly #identityOf: (entry: T) => string | undefined;
  readonly #entries = new Map<string, T>();

  constructor(kind: string, labelOf: (name: string) => string, identityOf: (entry: T) => string | undefined) {
    this.#kind = kind;
    this.#labelOf = labelOf;
    this.#identityOf = identityOf;
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** @throws TriggerlabError (input) when results could not tell it from another one. */
  add(name: string, entry: T): void {
    const others = [...this.#entries.values()];
    const same = others.find((other) => this.#identityOf(other) === this.#identityOf(entry));
    const alike = others.find((other) => this.#labelOf(other.name) === this.#labelOf(entry.name));
    if (!same && alike) {
      throw inputError(`${name} and ${alike.name} would both be called ${this.#labelOf(name)} in the results`, {
        hint: 'Rename one of the two.',
      });
    }
    for (const known of [name, entry.name]) this.#entries.set(known, same ?? entry);
  }

  /** The entries of `base` and these; every name they were given is known, `all` has each of them once. */
  beside(base: Registry<T>): Registry<T> {
    const names = [...new Set([...base.names, ...this.#entries.keys()])];
    return {
      kind: this.#kind,
      all: [...new Set([...base.all, ...this.#entries.values()])],
      names,
      has: (name) => this.#entries.has(name) || base.has(name),
      get: (name) => this.#entries.get(name) ?? base.get(name),
    };
  }
}
