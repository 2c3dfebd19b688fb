// A part of a dataset as a dataset of its own: what stands behind the `?` of a registered name.

import { canonicalJson, sha256Hex } from '../core/hash.ts';
import { type DatasetOptions, formatDatasetReference } from '../core/references.ts';
import { sum } from '../core/sums.ts';
import type { Dataset, DatasetDefinition, ImageSource } from './dataset.ts';
import { resolveClasses, selectQuotas, selectRows } from './select.ts';

/**
 * The part of `base` that the options choose; its size must be settled already. The fingerprint is a hash over that of
 * the base and the choice, so that it is known before the images are.
 * @throws TriggerlabError (input) for a choice that cannot be made.
 */
export function subsetOf(base: DatasetDefinition, options: DatasetOptions): DatasetDefinition {
  const { size: _, ...choice } = options;
  if (Object.keys(choice).length === 0) return base;
  const { classes: names, classCounts } = base;
  const name = formatDatasetReference({ path: base.name.split('?')[0], options });
  const kept = resolveClasses(name, names, choice.classes);
  const quotas = (split: 'train' | 'test') => selectQuotas(name, classCounts[split], names, kept, split, choice);
  const counts = { train: quotas('train'), test: quotas('test') };
  const classes = kept.map((label) => names[label]);
  const chosen = { ...choice, classes: choice.classes && kept };
  return {
    ...base,
    name,
    title: `${base.title}, a part`,
    classes,
    classCounts: counts,
    trainCount: sum(counts.train),
    testCount: sum(counts.test),
    fingerprint: sha256Hex(canonicalJson({ of: base.fingerprint, ...chosen })),
    async load(onProgress): Promise<Dataset> {
      const whole = await base.load(onProgress);
      const take = (split: 'train' | 'test') => {
        const { labels } = whole[split];
        const rows = selectRows(name, labels, names, kept, split, choice);
        return rowsOf(
          whole[split],
          rows,
          Uint16Array.from(rows, (row) => kept.indexOf(labels[row])),
        );
      };
      return { name, classes, train: take('train'), test: take('test') };
    },
  };
}

/** Some rows of a source, with labels of their own. */
export function rowsOf(source: ImageSource, chosen: Int32Array, labels: Uint16Array): ImageSource {
  const { height, width, channels } = source;
  return {
    ...{ height, width, channels, labels },
    count: chosen.length,
    read(rows, out) {
      const there = Int32Array.from(rows, (row) => {
        if (Number.isInteger(row) && row >= 0 && row < chosen.length) return chosen[row];
        throw new RangeError(`read: row ${row} is not a whole number in [0, ${chosen.length})`);
      });
      return source.read(there, out);
    },
  };
}
