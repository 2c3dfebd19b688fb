// A spec file → its plan, with progress while the images of a folder are read for the first time.
import { loadExperiment } from '../spec/parse.ts';
import { type Plan, planExperiment } from '../spec/plan.ts';
import { catalogFor } from '../spec/references.ts';
import { StepProgress } from './progress.ts';

/** @throws TriggerlabError (input) for a faulty spec, or a file that it names and that cannot be taken. */
export async function loadPlan(file: string, overrides: readonly string[]): Promise<Plan> {
  const progress = new StepProgress();
  try {
    const catalog = await catalogFor(file, { overrides, onProgress: progress.update });
    return planExperiment(loadExperiment(file, { overrides, catalog }), catalog);
  } finally {
    progress.end();
  }
}
