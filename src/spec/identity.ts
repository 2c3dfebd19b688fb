// A run's identity: a versioned hash of everything that changes its result, and of nothing else.
import { canonicalJson, JsonText, sha256Hex } from '../core/hash.ts';
import {
  datasetBase,
  formatModel,
  isDatasetReference,
  isFileReference,
  isModelReference,
  splitModelOptions,
  splitVersion,
} from '../core/references.ts';
import { effectiveAugmentation } from '../data/augmentation-fields.ts';
import { isNeutral, withoutNeutral } from './neutral.ts';
import type { AttackSpec, RunSpec } from './run-spec.ts';

/** Raised whenever the same spec begins to give other numbers: old results then stay apart from new ones. */
export const NUMERICS_VERSION = 2;

/** What a run depends on beyond its spec. */
export interface RunInputs {
  /** Names the exact pixels, labels and split: see DatasetDefinition. */
  readonly datasetFingerprint: string;
  /** SHA-256 of the model's pretrained weights, or of its ONNX file; the former plays no part when `init` is random. */
  readonly weightsHash?: string | undefined;
}

/**
 * The spec with what has no effect set to its neutral value: an attack's fields in clean runs, momentum under Adam, the
 * version of weights where a network starts at random. Fields that may be left out are, at their neutral values.
 */
export function normalise(spec: RunSpec): RunSpec {
  const clean = spec.attack.type === 'none';
  const { training, preprocessing, augmentation, stem, testLimit, asrOver, ...others } = spec;
  const { labels, sources, coverRate, poisonSet, defense, ...rest } = others;
  const { modeAfterFirstEpoch, ...schedule } = training;
  const random = spec.init === 'random';
  const chain = withoutNeutral('preprocessing', preprocessing);
  const augmented = augmentation && withoutNeutral('augmentation', effectiveAugmentation(augmentation));
  const stays = training.epochs === 1 || isNeutral('training.modeAfterFirstEpoch', modeAfterFirstEpoch);
  return {
    ...rest,
    ...(random || isNeutral('stem', stem) ? {} : { stem }),
    ...(isNeutral('testLimit', testLimit) ? {} : { testLimit }),
    ...(clean || isNeutral('asrOver', asrOver) ? {} : { asrOver }),
    ...(chain ? { preprocessing: chain } : {}),
    ...(augmented ? { augmentation: augmented } : {}),
    ...(clean ? {} : labelFields(spec)),
    model: random ? withoutVersion(spec.model) : spec.model,
    attack: clean ? { type: 'none' } : spec.attack,
    poisonRate: clean ? 0 : spec.poisonRate,
    targetClass: clean || labels === 'all-to-all' ? 0 : spec.targetClass,
    training: {
      ...schedule,
      momentum: training.optimizer === 'adam' ? 0 : training.momentum,
      ...(stays ? {} : { modeAfterFirstEpoch }),
    },
    ...(isNeutral('defense', defense?.type) ? {} : { defense }),
  };
}

/** The fields of a poisoned run's label rule that are not neutral; sources and covers are of source-specific attacks alone. */
function labelFields({ labels, sources, coverRate, poisonSet }: RunSpec): Partial<RunSpec> {
  const sourced = labels === 'source-specific';
  return {
    ...(isNeutral('labels', labels) ? {} : { labels }),
    ...(sourced ? { sources } : {}),
    ...(!sourced || isNeutral('coverRate', coverRate) ? {} : { coverRate }),
    ...(isNeutral('poisonSet', poisonSet) ? {} : { poisonSet }),
  };
}

/** Stands for the seed in the text that is hashed; no field of a run can hold it, since none takes a NUL. */
const SEED_PLACE = '\0seed';

/** The run's id: 20 hexadecimal digits, independent of the order in which fields were written. */
export function runId(spec: RunSpec, inputs: RunInputs): string {
  return runIds(normalise(spec), inputs)(spec.seed);
}

/** The ids of the runs that differ from `spec`, which `normalise` has made, in nothing but the seed. */
export function runIds(spec: RunSpec, inputs: RunInputs): (seed: number) => string {
  const { dataset, model, init, freeze, inputSize, stem, preprocessing, augmentation, ...rest } = spec;
  const { testLimit, asrOver, labels, sources, coverRate, poisonSet, ...others } = rest;
  const { attack, poisonRate, targetClass, training, defense } = others;
  const { optimizer, learningRate, momentum, weightDecay, epochs, batchSize, modeAfterFirstEpoch } = training;
  const identity = {
    v: NUMERICS_VERSION,
    // Of files the content counts, not the path.
    dataset: {
      name: isDatasetReference(dataset) ? undefined : datasetBase(dataset),
      fingerprint: inputs.datasetFingerprint,
    },
    model: {
      // Versions are told apart by their weights.
      name: isModelReference(model) ? undefined : splitVersion(model).model,
      ...{ options: modelOptions(model), init, freeze, inputSize, stem },
      weights: init === 'pretrained' || isModelReference(model) ? inputs.weightsHash : undefined,
    },
    ...{ testLimit, asrOver, preprocessing, augmentation },
    attack: attackText(attack),
    poisonRate,
    targetClass,
    ...{ labels, sources, coverRate, poisonSet },
    training: { optimizer, learningRate, momentum, weightDecay, epochs, batchSize, modeAfterFirstEpoch },
    defense,
    seed: SEED_PLACE,
  };
  const [before, after] = canonicalJson(identity).split(JSON.stringify(SEED_PLACE));
  return (seed) => sha256Hex(`${before}${canonicalJson(seed)}${after}`).slice(0, 20);
}

function withoutVersion(model: string): string {
  const { options } = splitModelOptions(model);
  return formatModel(splitVersion(model).model, Object.fromEntries(options));
}

/** The options of a model's name, which holds none at its usual value; undefined where there are none. */
function modelOptions(model: string): Record<string, string> | undefined {
  const { options } = splitModelOptions(model);
  return options.length === 0 ? undefined : Object.fromEntries(options);
}

const attackTexts = new WeakMap<AttackSpec, JsonText>();

/** An attack with the files that it names known by their content alone. Runs of a plan share their attacks. */
export function attackText(attack: AttackSpec): JsonText {
  const text = attackTexts.get(attack) ?? new JsonText(withoutPaths(attack));
  attackTexts.set(attack, text);
  return text;
}

/** The same as a plain value. */
export function withoutPaths(attack: AttackSpec): object {
  const entries = Object.entries(attack).map(([name, value]) => [
    name,
    isFileReference(value) ? { sha256: value.sha256 } : value,
  ]);
  return Object.fromEntries(entries);
}
