// Datasets that come with triggerlab: made once from what it ships, then read from a packed file in the cache directory.
import { join } from 'node:path';
import { cacheDirectory } from '../core/cache-directory.ts';
import {
  type Dataset,
  type DatasetDefinition,
  everyRow,
  type ImageSource,
  memorySource,
  type RowBlock,
} from './dataset.ts';
import { datasetFingerprint } from './fingerprint.ts';
import { openPacked, writePacked } from './packed-images.ts';

/**
 * The dataset of a definition: from the cache where that holds exactly what the fingerprint names, else from `make`, which
 * is to check it. A cache that cannot be written is done without.
 * @throws what `make` throws.
 */
export async function loadBuiltIn(definition: DatasetDefinition, make: () => Promise<Dataset>): Promise<Dataset> {
  const file = join(cacheDirectory(), 'datasets', `${definition.fingerprint}.images`);
  const kept = readKept(file);
  if (kept && datasetFingerprint(kept) === definition.fingerprint) {
    return { name: definition.name, classes: definition.classes, ...kept };
  }
  const made = await make();
  const { height, width, channels } = definition;
  const [trainLabels, testLabels] = [made.train.labels, made.test.labels];
  const raw = { height, width, channels, trainLabels, testLabels, blocks: () => blocksOf(made) };
  await writePacked(file, definition.classes, raw).catch(() => {});
  return made;
}

/** Both splits in memory: their rows are read over and over. Undefined when the file cannot be used. */
function readKept(file: string): Pick<Dataset, 'train' | 'test'> | undefined {
  try {
    const packed = openPacked(file);
    return packed && { train: inMemory(packed.train), test: inMemory(packed.test) };
  } catch {
    return undefined;
  }
}

function inMemory(source: ImageSource): ImageSource {
  return memorySource(source, allPixels(source), source.labels);
}

function allPixels(source: ImageSource): Uint8Array {
  return source.read(everyRow(source));
}

async function* blocksOf({ train, test }: Dataset): AsyncGenerator<RowBlock> {
  yield { first: 0, pixels: allPixels(train) };
  yield { first: train.count, pixels: allPixels(test) };
}
