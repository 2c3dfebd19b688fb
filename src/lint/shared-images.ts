// Shared images of training and test, found once per dataset: what was found lies in the cache by the dataset's fingerprint.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheDirectory } from '../core/cache-directory.ts';
import { writeFileAtomic } from '../core/files.ts';
import type { Dataset } from '../data/dataset.ts';
import { findSharedImages } from './duplicates.ts';

/** Raised whenever the search begins to find other images. */
const VERSION = 1;
const EXAMPLES = 5;

const row = z.int().min(0);
const twins = z.array(z.strictObject({ test: row, train: row }));
const kept = z.strictObject({
  version: z.literal(VERSION),
  exact: row,
  relabelled: row,
  near: row,
  examples: z.strictObject({ exact: twins, near: twins }),
});

/** How many test images the training split has too, with the first few of each kind. */
export type SharedCount = Omit<z.infer<typeof kept>, 'version'>;

/** `fingerprint` names the dataset's exact pixels. A cache that cannot be written to is done without. */
export async function countSharedImages(
  fingerprint: string,
  load: () => Promise<Pick<Dataset, 'train' | 'test'>>,
): Promise<SharedCount> {
  const path = join(cacheDirectory(), 'lint', `shared-images-${fingerprint.slice(0, 32)}.json`);
  const known = readKept(path);
  if (known) return known;
  const { exact, relabelled, near } = findSharedImages(await load());
  const counts = {
    ...{ exact: exact.length, relabelled, near: near.length },
    examples: { exact: exact.slice(0, EXAMPLES), near: near.slice(0, EXAMPLES) },
  };
  await writeFileAtomic(path, JSON.stringify({ version: VERSION, ...counts })).catch(() => {});
  return counts;
}

function readKept(path: string): SharedCount | undefined {
  try {
    const { version: _, ...counts } = kept.parse(JSON.parse(readFileSync(path, 'utf8')));
    return counts;
  } catch {
    // Not there, of another version, or damaged: counted again and replaced.
    return undefined;
  }
}
