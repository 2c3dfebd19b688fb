// The images a run is about: its dataset, rewritten where its preprocessing says so, with as many test images as it asks for.
import type { Dataset } from '../data/dataset.ts';
import { loadDataset } from '../data/loaded.ts';
import { rewriteDataset } from '../data/rewrite.ts';
import { limitTest } from '../data/test-limit.ts';
import type { RunSpec } from '../spec/run-spec.ts';

/** @throws TriggerlabError as `loadDataset` does. */
export async function loadRunDataset(spec: Pick<RunSpec, 'dataset' | 'preprocessing' | 'testLimit'>): Promise<Dataset> {
  const whole = rewriteDataset(await loadDataset(spec.dataset), spec.preprocessing?.rewrite ?? 'none');
  return limitTest(whole, spec.testLimit);
}
