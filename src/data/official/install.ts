// Puts the files of an official dataset into the cache: checked, read once from end to end, packed; the card comes last.
import { accessSync, constants, statSync } from 'node:fs';
import { copyFile, rename, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { requireSpace } from '../../core/disk-space.ts';
import { inputError, messageOf, type TriggerlabError } from '../../core/errors.ts';
import { fileDigests } from '../../core/file-hash.ts';
import { removeAbandoned, replaceFile, writeFileAtomic } from '../../core/files.ts';
import { bytesPerImage } from '../../core/images.ts';
import { countLabels, type DatasetProgress, type OfficialDataset, type OfficialFile } from '../dataset.ts';
import { datasetFingerprint } from '../fingerprint.ts';
import { inCache } from '../image-folder-pack.ts';
import { cardPath, type DatasetCard, datasetDirectory, packedPath, readCard } from './card.ts';
import { officialFingerprint } from './definition.ts';
import { openPulled, removeSuperseded } from './packed.ts';

export interface InstallOptions {
  /** Whether every file must have its published checksum. */
  readonly verify: boolean;
  /** Whether the files given are used up. */
  readonly move: boolean;
  readonly onProgress?: DatasetProgress;
}

/** A file that is longer than this many times its published length cannot be one that was merely unpacked. */
const MAX_GROWTH = 20;

/**
 * Installs a dataset from files given in the order of `official.files`. With other contents than the published ones the
 * dataset is known by what it holds, not as the published one.
 * @throws TriggerlabError (input) naming the file that has another checksum or cannot be read; nothing is changed then.
 */
export async function installDataset(
  official: OfficialDataset,
  paths: readonly string[],
  { verify, move, onProgress = () => {} }: InstallOptions,
): Promise<DatasetCard> {
  const directory = datasetDirectory(official.name);
  removeAbandoned(directory);
  requireSpace(directory, spaceNeeded(official, move ? [] : paths), official.name);
  const placed: PlacedFile[] = [];
  try {
    for (const [i, published] of official.files.entries()) {
      onProgress(`checking ${basename(paths[i])}`, i, official.files.length);
      placed.push(await placeFile(directory, paths[i], published, verify, move));
    }
    const files = placed.map(({ name, file, bytes, sha256 }) => ({ name, file, bytes, sha256 }));
    const { train, test, classes } = await openPulled(official, { files }, undefined, onProgress);
    const content = datasetFingerprint({ train, test });
    const verified = placed.every((file) => file.verified);
    const card: DatasetCard = {
      ...{ version: 1, name: official.name, verified, content, reader: official.reader, files },
      fingerprint: verified ? officialFingerprint(official) : content,
      classCounts: { train: countLabels(train.labels, classes.length), test: countLabels(test.labels, classes.length) },
    };
    await inCache(() => writeFileAtomic(cardPath(official.name), `${JSON.stringify(card, null, 2)}\n`));
    removeSuperseded(official, card);
    return card;
  } catch (error) {
    await removePlaced(official, directory, placed);
    throw error;
  }
}

interface PlacedFile {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly verified: boolean;
}

/** Copies or moves a file into the cache under a name that holds the beginning of its SHA-256. */
async function placeFile(
  directory: string,
  path: string,
  { name, bytes: expected, md5 }: OfficialFile,
  verify: boolean,
  move: boolean,
): Promise<PlacedFile> {
  const { size } = statOf(path);
  if (size > MAX_GROWTH * expected) {
    throw inputError(`${path} has ${size} bytes, ${name} as published has ${expected}`, {
      hint: 'It is another file.',
    });
  }
  let placed: PlacedFile | undefined;
  await inCache(() =>
    replaceFile(join(directory, name), async (temporary) => {
      await (move ? rename(path, temporary) : copyFile(path, temporary));
      // Of the copy: what lies elsewhere may change meanwhile.
      const digests = await fileDigests(temporary);
      const verified = digests.md5 === md5;
      if (verify && !verified) throw otherChecksum(path, name, digests.md5, md5);
      const file = `${digests.sha256.slice(0, 8)}-${name}`;
      placed = { name, file, bytes: digests.bytes, sha256: digests.sha256, verified };
      return join(directory, file);
    }),
  );
  if (!placed) throw new Error('placeFile: nothing was placed');
  return placed;
}

function otherChecksum(path: string, name: string, found: string, published: string): TriggerlabError {
  return inputError(`${path} has the MD5 ${found}, ${name} as published has ${published}`, {
    hint: 'It is damaged or another version. If it is what you want, add --no-verify: runs are then known by its content.',
  });
}

function statOf(path: string) {
  try {
    const stats = statSync(path);
    accessSync(path, constants.R_OK);
    if (stats.isFile()) return stats;
  } catch (cause) {
    throw inputError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  throw inputError(`${path} is no file`);
}

/** Bytes that the copies of some files and the packed rows will take. */
function spaceNeeded(official: OfficialDataset, copied: readonly string[]): number {
  const { train, test } = official.classCounts;
  const rows = [...train, ...test].reduce((sum, count) => sum + count, 0);
  return rows * bytesPerImage(official) + copied.reduce((sum, path) => sum + statOf(path).size, 0);
}

/** Takes away what a failed installation placed, unless the card that is in force names it. */
async function removePlaced(
  official: OfficialDataset,
  directory: string,
  placed: readonly PlacedFile[],
): Promise<void> {
  const kept = new Set(readCard(official.name)?.files.map(({ file }) => file));
  const files = placed.map(({ name, file, bytes, sha256 }) => ({ name, file, bytes, sha256 }));
  for (const { file } of files) if (!kept.has(file)) await rm(join(directory, file), { force: true });
  const whole = files.length === official.files.length && !files.every(({ file }) => kept.has(file));
  if (whole) await rm(packedPath(official, files, official.height), { force: true });
  await rmdir(directory).catch(() => {});
}
