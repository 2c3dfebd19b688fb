// Datasets that stay in memory: loaded once per process.
import type { Dataset, DatasetProgress } from './dataset.ts';
import { findDataset } from './references.ts';

const loaded = new Map<string, Promise<Dataset>>();

/** The dataset of a name, as `findDataset` finds it. What could not be loaded is tried again the next time. */
export function loadDataset(name: string): Promise<Dataset> {
  const known = loaded.get(name);
  if (known) return known;
  const loading = findDataset(name).then((found) => found.load());
  loaded.set(name, loading);
  loading.catch(() => loaded.delete(name));
  return loading;
}

/**
 * Makes sure that datasets are on this machine and packed, before processes are started that all read them.
 * @throws TriggerlabError (input) for one that has to be pulled first.
 */
export async function prepareDatasets(names: Iterable<string>, onProgress?: DatasetProgress): Promise<void> {
  for (const name of new Set(names)) {
    const found = await findDataset(name, onProgress);
    if (found.official) await found.load(onProgress);
  }
}
