// A dataset with fewer test images, for programs that evaluate on a part of them.
import type { Dataset } from './dataset.ts';
import { selectRows } from './select.ts';
import { rowsOf } from './subset.ts';

const known = new WeakMap<Dataset, Map<number, Dataset>>();

/**
 * The dataset with `limit` test images, evenly by class as `test=` takes them; itself where it has no more. The same one each time.
 * @throws TriggerlabError (input) where a class would be left without an image.
 */
export function limitTest(dataset: Dataset, limit: 'all' | number = 'all'): Dataset {
  const { name, classes, test } = dataset;
  if (limit === 'all' || limit >= test.count) return dataset;
  const byLimit = known.get(dataset) ?? new Map<number, Dataset>();
  known.set(dataset, byLimit);
  const before = byLimit.get(limit);
  if (before) return before;
  const rows = selectRows(name, test.labels, classes, [...classes.keys()], 'test', { test: limit });
  const labels = Uint16Array.from(rows, (row) => test.labels[row]);
  const limited = { ...dataset, test: rowsOf(test, rows, labels) };
  byLimit.set(limit, limited);
  return limited;
}
