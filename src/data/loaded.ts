// Datasets that stay in memory: loaded once per process.
import type { Dataset } from './dataset.ts';
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
