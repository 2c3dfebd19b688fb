// A run's identity: a versioned hash of everything that changes its result, and of nothing else.
import { canonicalJson, JsonText, sha256Hex } from '../core/hash.ts';
import { onceEach } from '../core/once-each.ts';
import {
  datasetBase,
  formatModel,
  isDatasetReference,
  isFileReference,
  isModelReference,
  splitModelOptions,
  splitVersion,
} from '../core/references.ts';
import { type AugmentationSpec, effectiveAugmentation } from '../data/augmentation-fields.ts';
import type { PreprocessingSpec } from '../data/preprocessing-fields.ts';
import { isNeutral, withoutNeutral } from './neutral.ts';
import type { AttackSpec, RunSpec, TrainingSpec } from './run-spec.ts';

/** Raised whenever the same spec begins to give other numbers: old results then stay apart from new ones. */
export const NUMERICS_VERSION = 2;

/** What a run depends on beyond its spec. */
export interface RunInputs {
  /** Names the exact pixels, labels and split: see DatasetDefinition. */
  readonly datasetFingerprint: string;
  /** SHA-256 of the model's pretrained weights, or of its ONNX file; the former plays no part when `init` is random. */
  readonly weightsHash?: string | undefined;
}

/** `work`, which leaves alone what it has made, once for each object: runs of a plan share the maps they are made of, and go on sharing them. */
function settled<T extends object, R extends T | undefined>(work: (members: T) => R): (members: T) => R {
  const known = new WeakMap<T, R>();
  return onceEach((members: T) => {
    const made = work(members);
    if (made) known.set(made, made);
    return made;
  }, known);
}

const chainOf = settled((members: Partial<PreprocessingSpec>) => withoutNeutral('preprocessing', members));
const augmentationOf = settled((members: Partial<AugmentationSpec>) =>
  withoutNeutral('augmentation', effectiveAugmentation(members)),
);
const scheduleOf = settled(({ modeAfterFirstEpoch, ...schedule }: TrainingSpec): TrainingSpec => {
  const stays = schedule.epochs === 1 || isNeutral('training.modeAfterFirstEpoch', modeAfterFirstEpoch);
  return {
    ...schedule,
    momentum: schedule.optimizer === 'adam' ? 0 : schedule.momentum,
    ...(stays ? {} : { modeAfterFirstEpoch }),
  };
});
const CLEAN: AttackSpec = { type: 'none' };

/**
 * The spec with what has no effect set to its neutral value: an attack's fields in clean runs, momentum under Adam, the
 * version of weights where a network starts at random. Fields that may be left out are, at their neutral values.
 */
export function normalise(spec: RunSpec): RunSpec {
  const clean = spec.attack.type === 'none';
  const { training, preprocessing, augmentation, stem, testLimit, asrOver, ...others } = spec;
  const { labels, sources, coverRate, poisonSet, defense, ...rest } = others;
  const random = spec.init === 'random';
  const chain = preprocessing && chainOf(preprocessing);
  const augmented = augmentation && augmentationOf(augmentation);
  return {
    ...rest,
    ...(random || isNeutral('stem', stem) ? {} : { stem }),
    ...(isNeutral('testLimit', testLimit) ? {} : { testLimit }),
    ...(clean || isNeutral('asrOver', asrOver) ? {} : { asrOver }),
    ...(chain ? { preprocessing: chain } : {}),
    ...(augmented ? { augmentation: augmented } : {}),
    ...(clean ? {} : labelFields(spec)),
    model: random ? withoutVersion(spec.model) : spec.model,
    attack: clean ? CLEAN : spec.attack,
    poisonRate: clean ? 0 : spec.poisonRate,
    targetClass: clean || labels === 'all-to-all' ? 0 : spec.targetClass,
    training: scheduleOf(training),
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
    training: trainingText(training),
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

/** A training schedule as runs are told apart by it. */
export const trainingText = onceEach(
  ({ optimizer, learningRate, momentum, weightDecay, epochs, batchSize, modeAfterFirstEpoch }: TrainingSpec) =>
    new JsonText({ optimizer, learningRate, momentum, weightDecay, epochs, batchSize, modeAfterFirstEpoch }),
  new WeakMap<TrainingSpec, JsonText>(),
);

/** An attack with the files that it names known by their content alone. Runs of a plan share their attacks. */
export const attackText = onceEach(
  (attack: AttackSpec) => new JsonText(withoutPaths(attack)),
  new WeakMap<AttackSpec, JsonText>(),
);

/** The same as a plain value. */
export function withoutPaths(attack: AttackSpec): object {
  const entries = Object.entries(attack).map(([name, value]) => [
    name,
    isFileReference(value) ? { sha256: value.sha256 } : value,
  ]);
  return Object.fromEntries(entries);
}
