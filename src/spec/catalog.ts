// The names a spec may use, as the spec sees them; tests put a small catalog in place of the registries.
import { z } from 'zod';
import type { ImageShape } from '../core/images.ts';
import type { Registry } from '../core/registry.ts';
import type { ClassCounts } from '../data/dataset.ts';
import { datasets } from '../data/registry.ts';
import type { DefenseKind } from '../defenses/defense.ts';
import { defenses } from '../defenses/registry.ts';
import { describeArchitecture } from '../models/architecture.ts';
import { type FreezePolicy, parseFreeze, trainablePart } from '../models/freeze.ts';
import { type ModelDefinition, models } from '../models/registry.ts';
import { checkPretrainedSize } from '../models/state.ts';
import { triggers } from '../triggers/registry.ts';

export interface CatalogModel {
  readonly name: string;
  /** Side of the square input in pixels. */
  readonly inputSize: number;
  /** SHA-256 of the pretrained weights, undefined where there are none here. */
  readonly weightsHash?: string | undefined;
  /** Leading digits of the SHA-256 of published weights that can be pulled. */
  readonly publishedHash?: string | undefined;
}

export interface CatalogDataset extends ImageShape {
  readonly name: string;
  readonly classes: readonly string[];
  /** Images of each class, where they are known. */
  readonly classCounts?: ClassCounts;
  readonly fingerprint: string;
}

export interface CatalogTrigger {
  readonly name: string;
  readonly parameters: z.ZodType<object>;
  /** @throws TriggerlabError (input) when the trigger does not fit images of this shape. */
  check(parameters: object, shape: ImageShape): void;
}

export interface CatalogDefense {
  readonly name: string;
  readonly kind: DefenseKind;
  readonly parameters: z.ZodType<object>;
}

export interface Catalog {
  readonly models: Registry<CatalogModel>;
  readonly datasets: Registry<CatalogDataset>;
  readonly triggers: Registry<CatalogTrigger>;
  readonly defenses: Registry<CatalogDefense>;
  /** @throws TriggerlabError (input) for text that names no freeze policy. */
  parseFreeze(text: string): FreezePolicy;
  /** @throws TriggerlabError (input) when a model cannot take this input size, or a policy leaves nothing to train. */
  checkModel(model: string, init: string, freeze: string, inputSize: number, classes: number): void;
}

/** A catalog of these models and datasets, and of all triggers and defences. */
export function catalogOf(models: Registry<ModelDefinition>, datasets: Registry<CatalogDataset>): Catalog {
  return {
    models,
    datasets,
    triggers,
    defenses,
    parseFreeze,
    checkModel(name, init, freeze, inputSize, classes) {
      const model = models.get(name);
      const info = describeArchitecture(model.architecture, inputSize, classes);
      trainablePart(parseFreeze(freeze), model.architecture, info);
      if (init === 'pretrained') checkPretrainedSize(model, info, inputSize);
    },
  };
}

/** Everything that is registered in this installation. See `catalogFor` for a spec that names files. */
export const installed: Catalog = catalogOf(models, datasets);

/** The fields of the parameters of a trigger or defence, by name. */
export function parameterFields(definition: { readonly parameters: z.ZodType }): Record<string, z.ZodType> {
  let schema: unknown = definition.parameters;
  while (schema instanceof z.ZodPipe) schema = schema.in;
  return schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
}
