// The factors of an experiment: which fields of the runs' specs vary, which are constant, and how values read.
import { canonicalJson } from '../core/hash.ts';
import { datasetLabel, fileLabel, isFileReference, modelLabel, splitModelOptions } from '../core/references.ts';
import { ATTACK_SPARSE_FIELDS, isNeutral, sparseFields } from '../spec/neutral.ts';
import type { AttackSpec, RunSpec } from '../spec/run-spec.ts';
import { triggers, unsaidParameters } from '../triggers/registry.ts';

/** A factor's value in one run; null where the run has no such thing (a clean run has no patch size). */
export type FactorValue = unknown;

/**
 * A run's spec as one flat record, parameters of the trigger included under the names they have as columns of results
 * (`size`, or `attack.<name>` where a field of the run has that name). A clean run has no poisoning rate and no target.
 */
export function factorsOf(spec: RunSpec): Readonly<Record<string, FactorValue>> {
  const known = flattened.get(spec);
  if (known) return known;
  const factors = flatten(spec);
  flattened.set(spec, factors);
  return factors;
}

/** Reports ask for the factors of every run dozens of times. */
const flattened = new WeakMap<RunSpec, Readonly<Record<string, FactorValue>>>();

function flatten(spec: RunSpec): Record<string, FactorValue> {
  const { dataset, model, init, freeze, inputSize, attack, training, seed } = spec;
  const { optimizer, learningRate, momentum, weightDecay, epochs, batchSize } = training;
  const poisoned = !isClean(spec);
  const factors: Record<string, FactorValue> = {
    dataset: datasetLabel(dataset),
    model: modelLabel(splitModelOptions(model).base),
    init,
    freeze,
    inputSize,
    attack: attack.type,
  };
  Object.assign(factors, sparseFields(spec));
  // What is neutral for an attack is nothing to a clean run.
  if (!poisoned) for (const name of ATTACK_SPARSE_FIELDS) factors[name] = null;
  const tail = {
    poisonRate: poisoned ? spec.poisonRate : null,
    targetClass: poisoned && spec.labels !== 'all-to-all' ? spec.targetClass : null,
    sources: spec.sources ?? null,
    ...{ optimizer, learningRate, momentum, weightDecay, epochs, batchSize, seed },
  };
  for (const [name, value] of attackParameters(attack, unsaidParameters(attack.type))) {
    factors[name in factors || name in tail ? `attack.${name}` : name] = value;
  }
  return Object.assign(factors, tail);
}

const PARAMETER_ORDER = ['size', 'position', 'color', 'opacity'];

/**
 * A trigger's parameters: what a patch is known by first, then by name (stores do not keep the order of keys).
 * @param unsaid values of parameters that it may leave out.
 */
export function attackParameters(
  attack: AttackSpec,
  unsaid: Readonly<Record<string, FactorValue>> = {},
): [name: string, value: FactorValue][] {
  const said: Readonly<Record<string, FactorValue>> = attack;
  // Not one object of both: to make that took a fifth of the time of grouping a large experiment.
  const all = new Set([...Object.keys(said), ...Object.keys(unsaid)]);
  const others = [...all].filter((name) => name !== 'type' && !PARAMETER_ORDER.includes(name)).sort();
  return [...PARAMETER_ORDER.filter((name) => all.has(name)), ...others].map((name) => {
    const value = name in said ? said[name] : unsaid[name];
    return [name, isFileReference(value) ? fileLabel(value) : value];
  });
}

/** True for runs of a defence: their figures are those after it, and never go together with those of undefended runs. */
export function isDefended({ defense }: RunSpec): boolean {
  return defense !== undefined;
}

/** True for runs without an attack. */
export function isClean(spec: RunSpec): boolean {
  return spec.attack.type === 'none';
}

/** The label of a tuple of factor values: equal values give equal text. */
export function keyOf(values: readonly FactorValue[]): string {
  let text = '';
  for (const value of values) text += `${text === '' ? '' : ','}${labelOf(value)}`;
  return `[${text}]`;
}

/** Whether two values of a factor are the same. */
export function sameValue(one: FactorValue, other: FactorValue): boolean {
  if (one === other) return true;
  return typeof one === 'object' && typeof other === 'object' && keyOf([one]) === keyOf([other]);
}

/** Texts are few and asked for a million times. */
const quoted = new Map<string, string>();
const MAX_QUOTED = 20_000;

function labelOf(value: FactorValue): string {
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`;
  if (value === null || value === undefined) return 'null';
  if (typeof value !== 'string') return canonicalJson(value);
  let text = quoted.get(value);
  if (text === undefined) {
    text = JSON.stringify(value);
    if (quoted.size < MAX_QUOTED) quoted.set(value, text);
  }
  return text;
}

export interface Factors {
  /** Names with two or more different values among the runs that have the factor; `seed` is never one. */
  readonly varying: readonly string[];
  /** Names with one value wherever they occur, and that value; what is nowhere but neutral is not told. */
  readonly constant: readonly (readonly [name: string, value: FactorValue])[];
  /** The seeds, in ascending order. */
  readonly seeds: readonly number[];
}

/** Sorts the factors of runs into those that vary and those that do not. */
export function factorsAcross(specs: readonly RunSpec[]): Factors {
  const values = new Map<string, Map<string, FactorValue>>();
  const before: Record<string, FactorValue> = {};
  // Attacked runs first: they have all the fields, in the right order.
  for (const clean of [false, true]) {
    for (const spec of specs) {
      if (isClean(spec) !== clean) continue;
      const factors = factorsOf(spec);
      for (const name in factors) {
        const value = factors[name];
        // Most runs have the value of the run before.
        if (value === before[name] && name in before) continue;
        before[name] = value;
        const seen = values.get(name) ?? new Map<string, FactorValue>();
        values.set(name, seen);
        if (value !== null && value !== undefined) seen.set(keyOf([value]), value);
      }
    }
  }
  const known = [...values]
    .filter(([name, seen]) => seen.size > 0 && name !== 'seed')
    .map(([name, seen]) => ({ name, seen: [...seen.values()] }));
  return {
    varying: known.filter(({ seen }) => seen.length > 1).map(({ name }) => name),
    constant: known
      .filter(({ name, seen }) => seen.length === 1 && !isNeutral(name, seen[0]) && !isUnsaid(name, seen[0]))
      .map(({ name, seen }) => [name, seen[0]] as const),
    seeds: [...new Set(specs.map((spec) => spec.seed))].sort((a, b) => a - b),
  };
}

/** Names with two or more different values among the runs that have the factor, as `factorsAcross` tells them; `seed` is never one. */
export function varyingFactors(specs: readonly RunSpec[]): string[] {
  const first = new Map<string, FactorValue>();
  const varying = new Set<string>();
  for (const spec of specs) {
    const factors = factorsOf(spec);
    for (const name in factors) {
      const value = factors[name];
      if (value === null || value === undefined || name === 'seed' || varying.has(name)) continue;
      const before = first.get(name);
      if (before === undefined) first.set(name, value);
      else if (!sameValue(before, value)) varying.add(name);
    }
  }
  return [...first.keys()].filter((name) => varying.has(name));
}

/** Whether a parameter's value is what leaving it out stands for. */
function isUnsaid(name: string, value: FactorValue): boolean {
  return triggers.all.some(({ unsaid }) => unsaid !== undefined && name in unsaid && unsaid[name] === value);
}

/** Orders values of one factor: absent first, numbers by size, the rest by their text. */
export function compareFactor(a: FactorValue, b: FactorValue): number {
  const absent = (value: FactorValue) => value === null || value === undefined || value === 'none';
  if (absent(a) || absent(b)) return Number(absent(b)) - Number(absent(a));
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [formatFactor('', a), formatFactor('', b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

const TITLES: Record<string, string> = {
  'model.dense': 'dense width',
  'model.dropout': 'dropout',
  'model.dropoutAt': 'dropout at',
  'preprocessing.rewrite': 'images rewritten to',
  'preprocessing.resize': 'resized to',
  'preprocessing.filter': 'resize filter',
  'preprocessing.antialias': 'antialias',
  'preprocessing.quantize': 'rounded to levels',
  'preprocessing.normalization': 'normalisation',
  'augmentation.crop': 'random shift',
  'augmentation.cropProbability': 'chance of a shift',
  'augmentation.rotation': 'random turn',
  'augmentation.rotationProbability': 'chance of a turn',
  'augmentation.flip': 'chance of a flip',
  'augmentation.resizedCrop': 'random part resized',
  'augmentation.draw': 'drawn per',
  'training.modeAfterFirstEpoch': 'mode after epoch 1',
  testLimit: 'test images',
  asrOver: 'ASR over',
  inputSize: 'input size',
  poisonRate: 'ε',
  targetClass: 'target class',
  labels: 'label rule',
  sources: 'source classes',
  coverRate: 'cover rate',
  poisonSet: 'poison set',
  defense: 'defence',
  learningRate: 'learning rate',
  weightDecay: 'weight decay',
  batchSize: 'batch size',
  stampAt: 'stamped at',
  color: 'colour',
};

/** A factor's name as a column title. */
export function factorTitle(name: string): string {
  return (
    TITLES[name] ??
    name
      .replace(/^defense\./, 'defence: ')
      .replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
  );
}

const SHARES = new Set(['poisonRate', 'coverRate', 'size', 'defense.rate', 'defense.budget']);

/** A factor's value as people read it: shares as per cent, RGB triples as rgb(…), objects as `left 2, top 3`, `–` where there is none. */
export function formatFactor(name: string, value: FactorValue): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return SHARES.has(name) ? `${plainNumber(100 * value)} %` : plainNumber(value);
  if (Array.isArray(value) && value.length === 3 && value.every((part) => typeof part === 'number')) {
    return `rgb(${value.join(', ')})`;
  }
  if (typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([part, inner]) => `${part} ${formatFactor(part, inner)}`)
      .join(', ');
  }
  return canonicalJson(value);
}

/** A number without the noise of binary fractions: 0.1 + 0.2 → `0.3`. */
function plainNumber(value: number): string {
  return String(Number(value.toPrecision(10)));
}
