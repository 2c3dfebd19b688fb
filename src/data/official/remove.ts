// Takes an official dataset out of the cache.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../../core/cache-directory.ts';
import type { OfficialDataset } from '../dataset.ts';
import { cardPath, datasetDirectory } from './card.ts';

/** Removes its files, what was packed from them, and unfinished downloads; programs that read them go on. */
export async function removeDataset({ name }: OfficialDataset): Promise<{ files: number; bytes: number }> {
  // First of all: without the card nobody begins to use the rest.
  const paths = [
    cardPath(name),
    ...filesIn(datasetDirectory(name)),
    ...filesIn(join(cacheDirectory(), 'downloads', name)),
  ];
  let [files, bytes] = [0, 0];
  for (const path of new Set(paths)) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) continue;
    await rm(path, { force: true });
    files++;
    bytes += stats.size;
  }
  for (const directory of [datasetDirectory(name), join(cacheDirectory(), 'downloads', name)]) {
    await rm(directory, { recursive: true, force: true });
  }
  return { files, bytes };
}

function filesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).map((file) => join(directory, file)) : [];
}
