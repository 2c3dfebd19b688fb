// Datasets that others published as lines of the registry: known before they are here, read from the cache once they are.

import { inputError } from '../../core/errors.ts';
import { canonicalJson, sha256Hex } from '../../core/hash.ts';
import { sum } from '../../core/sums.ts';
import type { ClassCounts, DatasetDefinition, OfficialDataset } from '../dataset.ts';
import { type DatasetCard, packedPath, readCard } from './card.ts';

/**
 * Names the pixels, labels and order of the published files without having them: a hash over the dataset's name, the
 * published checksums and the version of the reader.
 */
export function officialFingerprint({ name, files, reader }: OfficialDataset): string {
  return sha256Hex(canonicalJson({ dataset: name, reader, files: files.map(({ md5 }) => md5) }));
}

/**
 * The line of the registry for a dataset, at `size` when another side than its own is wanted. Counts and fingerprint are
 * those of the files in the cache, or of the published ones while there are none.
 */
export function officialDataset(official: OfficialDataset, size?: number): DatasetDefinition {
  const { name, title, source, classes, channels } = official;
  const { height, width } = size === undefined ? official : { height: size, width: size };
  const counts = (): ClassCounts => currentCard(official)?.classCounts ?? official.classCounts;
  return {
    name: size === undefined ? name : `${name}?size=${size}`,
    ...{ title, source, height, width, channels, classes, official },
    get classCounts() {
      return counts();
    },
    get trainCount() {
      return sum(counts().train);
    },
    get testCount() {
      return sum(counts().test);
    },
    get fingerprint() {
      const whole = currentCard(official)?.fingerprint ?? officialFingerprint(official);
      return size === undefined ? whole : sha256Hex(canonicalJson({ of: whole, size }));
    },
    packedFile() {
      const card = currentCard(official);
      if (!card) throw notPulled(official);
      return packedPath(official, card.files, size ?? official.height);
    },
    async load(onProgress) {
      const card = currentCard(official);
      if (!card) throw notPulled(official);
      // Loaded here because it brings in the readers and the image decoder, which most commands do not need.
      const { openPulled } = await import('./packed.ts');
      return openPulled(official, card, size, onProgress);
    },
  };
}

/** The card of what is in the cache, unless an earlier version of the reader made it. */
export function currentCard(official: OfficialDataset): DatasetCard | undefined {
  const card = readCard(official.name);
  return card?.reader === official.reader ? card : undefined;
}

function notPulled({ name, files }: OfficialDataset) {
  const what = files.map((file) => file.name).join(', ');
  return inputError(`${name} is not on this machine`, {
    hint: `Download it: triggerlab datasets pull ${name}. Or give your own copy of ${what}: triggerlab datasets import ${name} DIR`,
  });
}
