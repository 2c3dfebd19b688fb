// A spec file → its plan, with progress while the images of a folder are read for the first time.

import type { Catalog } from '../spec/catalog.ts';
import type { ExperimentSpec } from '../spec/experiment.ts';
import { loadExperiment } from '../spec/parse.ts';
import { type Plan, planExperiment } from '../spec/plan.ts';
import { catalogFor } from '../spec/references.ts';
import { StepProgress } from './progress.ts';

/** A spec that was read and laid out. */
export interface LoadedSpec {
  readonly experiment: ExperimentSpec;
  readonly plan: Plan;
  /** What its names stand for. */
  readonly catalog: Catalog;
}

/** @throws TriggerlabError (input) for a faulty spec, or a file that it names and that cannot be taken. */
export async function loadSpec(file: string, overrides: readonly string[]): Promise<LoadedSpec> {
  const progress = new StepProgress();
  try {
    const catalog = await catalogFor(file, { overrides, onProgress: progress.update });
    const experiment = loadExperiment(file, { overrides, catalog });
    return { experiment, plan: planExperiment(experiment, catalog), catalog };
  } finally {
    progress.end();
  }
}

/** The plan of a spec alone. @throws TriggerlabError (input) as `loadSpec` does. */
export async function loadPlan(file: string, overrides: readonly string[]): Promise<Plan> {
  return (await loadSpec(file, overrides)).plan;
}
