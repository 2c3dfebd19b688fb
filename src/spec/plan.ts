// What an experiment comes to: its runs with their identities, and how often each level of each factor occurs.

import { inputError } from '../core/errors.ts';
import { canonicalJson } from '../core/hash.ts';
import { onceEach } from '../core/once-each.ts';
import { datasetLabel, fileLabel, isFileReference, modelLabel, splitModelOptions } from '../core/references.ts';
import { sumOf } from '../core/sums.ts';
import { noPretrainedWeights } from '../models/pretrained.ts';
import { unsaidParameters } from '../triggers/registry.ts';
import { type Catalog, type CatalogModel, installed } from './catalog.ts';
import { type MissingWeights, RunMaker } from './complete-run.ts';
import { baseOf, expandSettings } from './expand.ts';
import type { Design, ExperimentSpec, Sample } from './experiment.ts';
import { runIds } from './identity.ts';
import { ATTACK_SPARSE_FIELDS, defenseParameters, modelOptionFields, neutralValues } from './neutral.ts';
import type { AdaptiveRepeats } from './repeats.ts';
import type { PlannedRun, RunSpec } from './run-spec.ts';
import type { SettingRuns } from './seeds.ts';

export interface LevelCount {
  readonly value: unknown;
  readonly poisoned: number;
  readonly clean: number;
}

export interface FactorCount {
  /** `dataset`, `training.epochs`, `attack.size`, … */
  readonly field: string;
  readonly levels: readonly LevelCount[];
}

export interface Plan {
  readonly name: string;
  readonly description: string;
  /** Clean runs first; a poisoned run's twin always comes before it. */
  readonly runs: readonly PlannedRun[];
  /** The same runs, those that differ in nothing but the seed together. */
  readonly settings: readonly SettingRuns[];
  readonly factors: readonly FactorCount[];
  /** Set where `runs` are the most that may come to be done: see analysis/repeats.ts. */
  readonly repeats?: AdaptiveRepeats | undefined;
  /** Set where `runs` are a part of the full product. */
  readonly sample?: Sample | undefined;
  readonly design?: Design | undefined;
  /** Runs without a defence. */
  readonly cleanRuns: number;
  readonly poisonedRuns: number;
  /** Runs with one, each about one of the others. */
  readonly defendedRuns: number;
  /** Published weights that are not here yet: until they are, nothing can run, and the ids of their runs are provisional. */
  readonly missingWeights: readonly MissingWeights[];
}

/**
 * Plans an experiment. Pure: reads no file but the registries and has no side effects.
 * @throws TriggerlabError (input) where the experiment cannot be laid out.
 */
export function planExperiment(experiment: ExperimentSpec, catalog: Catalog = installed): Plan {
  const maker = new RunMaker(catalog);
  const settings = expandSettings(experiment, catalog, maker);
  // Looked up once each: both may have to look at the disk.
  const weightsHash = onceEach((model: string) => weightsOf(catalog.models.get(model)));
  const fingerprint = onceEach((dataset: string) => catalog.datasets.get(dataset).fingerprint);
  const idsOf = (spec: RunSpec) =>
    runIds(spec, { datasetFingerprint: fingerprint(spec.dataset), weightsHash: weightsHash(spec.model) });
  const twins = new Map<string, Map<number, string>>();
  const { keepWeights } = experiment;
  const kept = keepWeights && { keepWeights };
  const bases = new Set<string>();
  for (const { first, runs } of settings) {
    if (first.defense === undefined) continue;
    const idOf = idsOf(baseOf(first));
    for (const { seed } of runs) bases.add(idOf(seed));
  }
  const runs = settings.flatMap(({ first, runs, twinKey }): PlannedRun[] => {
    const idOf = idsOf(first);
    if (first.defense !== undefined) {
      const baseId = idsOf(baseOf(first));
      return runs.map((spec) => ({ runId: idOf(spec.seed), spec, baseId: baseId(spec.seed), ...kept }));
    }
    const clean = first.attack.type === 'none';
    const ofSetting = twins.get(twinKey) ?? new Map<number, string>();
    twins.set(twinKey, ofSetting);
    return runs.map((spec): PlannedRun => {
      const runId = idOf(spec.seed);
      const needed = bases.has(runId) ? ({ keepWeights: 'all' } as const) : kept;
      if (!clean) return { runId, spec, twinId: ofSetting.get(spec.seed), ...needed };
      ofSetting.set(spec.seed, runId);
      return { runId, spec, ...needed };
    });
  });
  const defendedRuns = runs.filter(({ spec }) => spec.defense !== undefined).length;
  const cleanRuns = sumOf([...twins.values()], ({ size }) => size);
  return {
    name: experiment.name,
    description: experiment.description,
    runs,
    settings,
    factors: countLevels(settings),
    cleanRuns,
    poisonedRuns: runs.length - cleanRuns - defendedRuns,
    defendedRuns,
    repeats: experiment.repeats,
    sample: experiment.sample,
    design: experiment.design,
    missingWeights: maker.missingWeights,
  };
}

export interface SharedTwins {
  /** Clean runs that poisoned ones are compared with. */
  readonly twins: number;
  /** Poisoned runs that share them. */
  readonly sharedBy: number;
  /** Runs that there would be more if each had a twin of its own. */
  readonly runsSaved: number;
}

/** How much work the clean twins save by being shared. */
export function sharedTwins({ runs }: Plan): SharedTwins {
  const twins = runs.flatMap(({ twinId }) => twinId ?? []);
  const distinct = new Set(twins).size;
  return { twins: distinct, sharedBy: twins.length, runsSaved: twins.length - distinct };
}

/** @throws TriggerlabError (input) when the plan needs weights that are not here. */
export function requireWeights({ missingWeights }: Plan): void {
  if (missingWeights.length === 0) return;
  const [{ model, at }, ...others] = missingWeights;
  const error = noPretrainedWeights(`${at}: model: ${model}`, model);
  if (others.length === 0) throw error;
  throw inputError(`${error.message}, nor have ${others.map((one) => one.model).join(', ')}`, { hint: error.hint });
}

function weightsOf({ weightsHash, publishedHash }: CatalogModel): string | undefined {
  return weightsHash ?? (publishedHash === undefined ? undefined : `published ${publishedHash}`);
}

/** A run's fields by path, nested ones and neutral values spelled out; files by their short names. */
export function flatFields(spec: RunSpec): Record<string, unknown> {
  return { ...neutralValues, ...writtenFields(spec) };
}

function writtenFields(spec: RunSpec): Record<string, unknown> {
  const fields = topFields(spec);
  for (const group of FIELD_GROUPS) Object.assign(fields, fieldsBelow(group, spec[group]));
  return fields;
}

/** The maps of a run, in the order in which their fields are told. */
const FIELD_GROUPS = ['preprocessing', 'augmentation', 'training', 'attack'] as const;

const modelFields = onceEach((name: string) => ({
  model: modelLabel(splitModelOptions(name).base),
  options: modelOptionFields(name),
}));

function topFields(spec: RunSpec): Record<string, unknown> {
  const { attack, training, preprocessing, augmentation, defense, ...rest } = spec;
  const { model, options } = modelFields(rest.model);
  const fields: Record<string, unknown> = { ...rest, dataset: datasetLabel(rest.dataset), model, ...options };
  return defense ? Object.assign(fields, { defense: defense.type }, defenseParameters(defense)) : fields;
}

function fieldsBelow(group: (typeof FIELD_GROUPS)[number], members: object = {}): Record<string, unknown> {
  const named = Object.entries(members).map(([key, value]) => [
    `${group}.${key}`,
    isFileReference(value) ? fileLabel(value) : value,
  ]);
  return Object.fromEntries(named);
}

/** A level with the runs that have it so far. */
interface Tally {
  readonly value: unknown;
  poisoned: number;
  clean: number;
}

function countLevels(settings: readonly SettingRuns[]): FactorCount[] {
  const factors = new Map<string, Map<unknown, Tally>>();
  const tallyOf = (field: string, value: unknown): Tally => {
    const levels = factors.get(field) ?? new Map<unknown, Tally>();
    factors.set(field, levels);
    // No text holds a NUL.
    const key = typeof value === 'object' ? `\0${canonicalJson(value)}` : value;
    const level = levels.get(key) ?? { value, poisoned: 0, clean: 0 };
    levels.set(key, level);
    return level;
  };
  const tallies = (fields: object) => Object.entries(fields).map(([field, value]) => tallyOf(field, value));
  // Settings share these maps: the levels in one are looked up once.
  const below = FIELD_GROUPS.map((group) =>
    onceEach((members: object | undefined) => tallies(fieldsBelow(group, members))),
  );
  const count = (levels: readonly Tally[], poisoned: number, clean: number) => {
    for (const level of levels) {
      level.poisoned += poisoned;
      level.clean += clean;
    }
  };
  const all = sumOf(settings, ({ runs }) => runs.length);
  const cleanOnes = sumOf(settings, ({ first, runs }) => (first.attack.type === 'none' ? runs.length : 0));
  for (const { first, runs } of settings) {
    const clean = first.attack.type === 'none' ? runs.length : 0;
    for (const [field, value] of Object.entries(topFields(first))) {
      if (field !== 'seed') count([tallyOf(field, value)], runs.length - clean, clean);
      else for (const { seed } of runs) count([tallyOf(field, seed)], clean > 0 ? 0 : 1, clean > 0 ? 1 : 0);
    }
    FIELD_GROUPS.forEach((group, i) => {
      count(below[i](first[group]), runs.length - clean, clean);
    });
  }
  // Runs that leave a field out have its neutral value; where all do, it is not told.
  for (const [field, value] of Object.entries(neutralValues)) {
    const levels = [...(factors.get(field)?.values() ?? [])];
    if (levels.length === 0) continue;
    const ofAttacks = ATTACK_SPARSE_FIELDS.some((name) => name === field);
    const clean = ofAttacks ? 0 : cleanOnes - sumOf(levels, (level) => level.clean);
    const poisoned = all - cleanOnes - sumOf(levels, (level) => level.poisoned);
    if (clean + poisoned > 0) count([tallyOf(field, value)], poisoned, clean);
  }
  for (const { first, runs } of settings) {
    // Told where other runs of the attack do not leave it out.
    for (const [name, value] of Object.entries(unsaidParameters(first.attack.type))) {
      const field = `attack.${name}`;
      if (!(name in first.attack) && factors.has(field)) count([tallyOf(field, value)], runs.length, 0);
    }
  }
  return [...factors].map(([field, levels]) => ({ field, levels: [...levels.values()] }));
}
