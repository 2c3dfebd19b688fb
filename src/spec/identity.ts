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
  const { dataset, init, freeze, inputSize, seed, stem, testLimit, asrOver, preprocessing, augmentation } = spec;
  const { labels, sources, coverRate, poisonSet, defense } = spec;
  const clean = spec.attack.type === 'none';
  const random = init === 'random';
  const model = random ? withoutVersion(spec.model) : spec.model;
  const attack = clean ? CLEAN : spec.attack;
  const poisonRate = clean ? 0 : spec.poisonRate;
  const targetClass = clean || labels === 'all-to-all' ? 0 : spec.targetClass;
  // Plans ask twice for each of their settings, of which few have any of the fields below: spreading would take most of the time.
  const run: Draft = { dataset, model, init, freeze, inputSize, attack, poisonRate, targetClass, seed };
  if (!random && !isNeutral('stem', stem)) run.stem = stem;
  if (!isNeutral('testLimit', testLimit)) run.testLimit = testLimit;
  if (!clean && !isNeutral('asrOver', asrOver)) run.asrOver = asrOver;
  const chain = preprocessing && chainOf(preprocessing);
  if (chain) run.preprocessing = chain;
  const augmented = augmentation && augmentationOf(augmentation);
  if (augmented) run.augmentation = augmented;
  if (!clean && !isNeutral('labels', labels)) run.labels = labels;
  // Sources and covers are of source-specific attacks alone.
  const sourced = !clean && labels === 'source-specific';
  if (sourced) run.sources = sources;
  if (sourced && !isNeutral('coverRate', coverRate)) run.coverRate = coverRate;
  if (!clean && !isNeutral('poisonSet', poisonSet)) run.poisonSet = poisonSet;
  const training = scheduleOf(spec.training);
  return isNeutral('defense', defense?.type) ? { ...run, training } : { ...run, training, defense };
}

/** A run whose fields are filled in one after another, in the order in which they are shown. */
type Draft = { -readonly [Field in keyof Omit<RunSpec, 'training'>]: RunSpec[Field] };

/** Stands for the seed in the text that is hashed; no field of a run can hold it, since none takes a NUL. */
const SEED_PLACE = '\0seed';

/** The run's id: 20 hexadecimal digits, independent of the order in which fields were written. */
export function runId(spec: RunSpec, inputs: RunInputs): string {
  return runIds(normalise(spec), inputs)(spec.seed);
}

/** The ids of the runs that differ from `spec`, which `normalise` has made, in nothing but the seed. */
export function runIds(spec: RunSpec, inputs: RunInputs): (seed: number) => string {
  const { dataset, init } = spec;
  const named = nameOfModel(spec.model);
  const identity = {
    asrOver: spec.asrOver,
    attack: attackText(spec.attack),
    augmentation: spec.augmentation,
    coverRate: spec.coverRate,
    dataset: {
      fingerprint: inputs.datasetFingerprint,
      name: nameOfDataset(dataset),
    },
    defense: spec.defense,
    labels: spec.labels,
    model: {
      freeze: spec.freeze,
      init,
      inputSize: spec.inputSize,
      name: named.name,
      options: named.options,
      stem: spec.stem,
      weights: init === 'pretrained' || named.name === undefined ? inputs.weightsHash : undefined,
    },
    poisonRate: spec.poisonRate,
    poisonSet: spec.poisonSet,
    preprocessing: spec.preprocessing,
    seed: SEED_PLACE,
    sources: spec.sources,
    targetClass: spec.targetClass,
    testLimit: spec.testLimit,
    training: trainingText(spec.training),
    v: NUMERICS_VERSION,
  };
  const [before, after] = canonicalJson(identity).split(JSON.stringify(SEED_PLACE));
  return (seed) => sha256Hex(`${before}${canonicalJson(seed)}${after}`).slice(0, 20);
}

function withoutVersion(model: string): string {
  const { options } = splitModelOptions(model);
  return formatModel(splitVersion(model).model, Object.fromEntries(options));
}

/** A dataset as runs are told apart by it: undefined for files, of which the content counts and not the path. */
const nameOfDataset = onceEach((dataset: string) => (isDatasetReference(dataset) ? undefined : datasetBase(dataset)));

/** The same of a model, without its version, since versions are told apart by their weights; and the options in its name, which holds none at its usual value. */
const nameOfModel = onceEach((model: string) => {
  const { options } = splitModelOptions(model);
  return {
    name: isModelReference(model) ? undefined : splitVersion(model).model,
    options: options.length === 0 ? undefined : Object.fromEntries(options),
  };
});

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
