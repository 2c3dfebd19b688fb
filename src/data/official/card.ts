// The card of an official dataset in the cache: which files are there, and what they hold. Written last, it decides what counts.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheDirectory } from '../../core/cache-directory.ts';
import { canonicalJson, sha256Hex } from '../../core/hash.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const counts = z.array(z.int().min(0)).readonly();
const schema = z.object({
  version: z.literal(1),
  name: z.string(),
  /** Whether every file has the published checksum. */
  verified: z.boolean(),
  /** Part of the identity of every run: see `officialFingerprint`. */
  fingerprint: digest,
  /** `datasetFingerprint` of the rows at the size that the registry says. */
  content: digest,
  /** The reader that made it. */
  reader: z.int(),
  classCounts: z.object({ train: counts, test: counts }),
  files: z.array(
    z.object({
      /** As published. */
      name: z.string(),
      /** Beside the card. */
      file: z.string().regex(/^[\w.-]+$/),
      bytes: z.int(),
      sha256: digest,
    }),
  ),
});

export type DatasetCard = Readonly<z.infer<typeof schema>>;

/** Where the files of a dataset lie in the cache. */
export function datasetDirectory(name: string): string {
  return join(cacheDirectory(), 'datasets', name);
}

export function cardPath(name: string): string {
  return join(datasetDirectory(name), 'card.json');
}

/** Where the rows of some files lie at a size, once they are packed. */
export function packedPath(
  { name, reader }: { readonly name: string; readonly reader: number },
  files: DatasetCard['files'],
  side: number,
): string {
  return join(datasetDirectory(name), `${filesKey(reader, files)}-${side}.images`);
}

/** What the names of packed files begin with. */
export function filesKey(reader: number, files: DatasetCard['files']): string {
  return sha256Hex(canonicalJson({ reader, files: files.map(({ name, sha256 }) => [name, sha256]) })).slice(0, 16);
}

const known = new Map<string, { readonly stamp: string; readonly card: DatasetCard | undefined }>();

/** The card of a dataset, or undefined when it is not in the cache. Asked for with every run of a plan: read once. */
export function readCard(name: string): DatasetCard | undefined {
  const path = cardPath(name);
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!stats) return undefined;
  const stamp = `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
  const before = known.get(path);
  if (before?.stamp === stamp) return before.card;
  const card = parseCard(path, name);
  known.set(path, { stamp, card });
  return card;
}

/** What cannot be read counts as not there: pulling it again makes it new. */
function parseCard(path: string, name: string): DatasetCard | undefined {
  try {
    const card = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return card.name === name ? card : undefined;
  } catch {
    return undefined;
  }
}
