// A spec file → its plan, with progress while the images of a folder are read for the first time.
import { loadExperiment } from '../spec/parse.ts';
import { type Plan, planExperiment } from '../spec/plan.ts';
import { catalogFor } from '../spec/references.ts';
import { Progress } from './progress.ts';

/** What is shorter than this needs no progress line. */
const QUIET_MS = 1500;

/** @throws TriggerlabError (input) for a faulty spec, or a file that it names and that cannot be taken. */
export async function loadPlan(file: string, overrides: readonly string[]): Promise<Plan> {
  const progress = new Progress();
  const started = performance.now();
  const onProgress = (text: string, done: number, total: number) => {
    if (performance.now() - started > QUIET_MS) progress.update(done / total, `${text}: ${done} of ${total} images`);
  };
  try {
    const catalog = await catalogFor(file, { overrides, onProgress });
    return planExperiment(loadExperiment(file, { overrides, catalog }), catalog);
  } finally {
    progress.end();
  }
}
