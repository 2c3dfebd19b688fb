// What an experiment comes to: its runs with their identities, and how often each level of each factor occurs.
import { canonicalJson } from '../core/hash.ts';
import { datasetLabel, modelLabel } from '../core/references.ts';
import { type Catalog, installed } from './catalog.ts';
import { expandExperiment, twinOf } from './expand.ts';
import type { ExperimentSpec } from './experiment.ts';
import { runId } from './identity.ts';
import type { PlannedRun, RunSpec } from './run-spec.ts';

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
  readonly factors: readonly FactorCount[];
  readonly cleanRuns: number;
  readonly poisonedRuns: number;
}

/**
 * Plans an experiment. Pure: reads no file but the registries and has no side effects.
 * @throws TriggerlabError (input) where the experiment cannot be laid out.
 */
export function planExperiment(experiment: ExperimentSpec, catalog: Catalog = installed): Plan {
  const specs = expandExperiment(experiment, catalog);
  const idOf = (spec: RunSpec) => {
    const model = catalog.models.get(spec.model);
    return runId(spec, {
      datasetFingerprint: catalog.datasets.get(spec.dataset).fingerprint,
      weightsHash: model.weightsHash,
    });
  };
  const twins = new Map<string, string>();
  const runs = specs.map((spec): PlannedRun => {
    const id = idOf(spec);
    if (spec.attack.type === 'none') {
      twins.set(canonicalJson(spec), id);
      return { runId: id, spec };
    }
    return { runId: id, spec, twinId: twins.get(canonicalJson(twinOf(spec))) };
  });
  const cleanRuns = twins.size;
  return {
    name: experiment.name,
    description: experiment.description,
    runs,
    factors: countLevels(specs),
    cleanRuns,
    poisonedRuns: runs.length - cleanRuns,
  };
}

/** A run's fields by path, nested ones spelled out; files by their short names. */
export function flatFields(spec: RunSpec): Record<string, unknown> {
  const { attack, training, ...rest } = spec;
  const under = (prefix: string, members: object) =>
    Object.entries(members).map(([key, value]) => [`${prefix}.${key}`, value]);
  const names = { dataset: datasetLabel(rest.dataset), model: modelLabel(rest.model) };
  return { ...rest, ...names, ...Object.fromEntries([...under('training', training), ...under('attack', attack)]) };
}

function countLevels(specs: readonly RunSpec[]): FactorCount[] {
  const factors = new Map<string, Map<string, { value: unknown; poisoned: number; clean: number }>>();
  for (const spec of specs) {
    for (const [field, value] of Object.entries(flatFields(spec))) {
      const levels = factors.get(field) ?? new Map();
      factors.set(field, levels);
      const key = canonicalJson(value);
      const count = levels.get(key) ?? { value, poisoned: 0, clean: 0 };
      levels.set(key, count);
      if (spec.attack.type === 'none') count.clean++;
      else count.poisoned++;
    }
  }
  return [...factors].map(([field, levels]) => ({ field, levels: [...levels.values()] }));
}
