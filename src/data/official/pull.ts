// Downloads the files of an official dataset and installs them: resumed, verified, and in force whole or not at all.
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../../core/cache-directory.ts';
import { type DownloadOptions, download } from '../../core/download.ts';
import { failedError, TriggerlabError } from '../../core/errors.ts';
import { fileDigests } from '../../core/file-hash.ts';
import { bytesPerImage } from '../../core/images.ts';
import type { DatasetProgress, OfficialDataset, OfficialFile } from '../dataset.ts';
import { type DatasetCard, datasetDirectory } from './card.ts';
import { currentCard } from './definition.ts';
import { installDataset } from './install.ts';

export interface PullOptions {
  /** Address of the folder to fetch from, instead of the publishers' own. */
  readonly from?: string;
  /** Fetch nothing: say what would be needed. */
  readonly offline?: boolean;
  /** Told how many bytes of all files are here. */
  readonly onDownload?: (progress: PullProgress) => void;
  readonly onInstall?: DatasetProgress;
  readonly patience?: DownloadOptions['patience'];
}

export interface PullProgress {
  readonly file: string;
  readonly received: number;
  /** Of these, here before this call began. */
  readonly kept: number;
  readonly total: number;
}

/**
 * Downloads and installs a dataset as it was published. `fetched` is false when that is in the cache already, intact.
 * @throws TriggerlabError as `download` and `installDataset`; without a network the hint says how to go on without one.
 */
export async function pullDataset(
  official: OfficialDataset,
  options: PullOptions = {},
): Promise<{ readonly card: DatasetCard; readonly fetched: boolean }> {
  const there = currentCard(official);
  if (there?.verified && (await isIntact(there))) return { card: there, fetched: false };
  const { name, files } = official;
  if (options.offline) throw failedError(`${name} is not in the cache`, { hint: byHand(official, options) });
  const directory = join(cacheDirectory(), 'downloads', name);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const paths: string[] = [];
  let [received, kept] = [0, 0];
  for (const file of files) {
    // What is there whole is not downloaded and tells nothing.
    let before = file.bytes;
    const { path, bytes } = await fetchFile(official, file, directory, options, (here, resumedAt) => {
      before = resumedAt;
      options.onDownload?.({ file: file.name, received: received + here, kept: kept + before, total });
    });
    paths.push(path);
    received += bytes;
    kept += before;
  }
  const card = await installDataset(official, paths, { verify: true, move: true, onProgress: options.onInstall });
  // Another process may be downloading the same.
  await rmdir(directory).catch(() => {});
  return { card, fetched: true };
}

/** From the first address that has it. */
async function fetchFile(
  official: OfficialDataset,
  file: OfficialFile,
  directory: string,
  options: PullOptions,
  onProgress: (received: number, resumedAt: number) => void,
) {
  const rest = official.files.slice(official.files.indexOf(file)).reduce((sum, { bytes }) => sum + bytes, 0);
  const failures: TriggerlabError[] = [];
  for (const folder of addresses(file, options)) {
    try {
      return await download({
        url: `${folder.replace(/\/*$/, '/')}${file.name}`,
        to: join(directory, file.name),
        md5: file.md5,
        maxBytes: Math.ceil(file.bytes * 1.01) + 65_536,
        spaceNeeded: rest + packedBytes(official),
        hint: byHand(official, options),
        onProgress: ({ received, resumedAt }) => onProgress(received, resumedAt),
        patience: options.patience,
      });
    } catch (error) {
      if (!(error instanceof TriggerlabError)) throw error;
      failures.push(error);
    }
  }
  throw failures[0];
}

function addresses({ from }: OfficialFile, options: PullOptions): readonly string[] {
  const other = options.from ?? process.env.TRIGGERLAB_DATASETS_URL;
  return other ? [other] : from;
}

function byHand(official: OfficialDataset, options: PullOptions): string {
  const urls = official.files.map((file) => `${addresses(file, options)[0]}${file.name}`);
  return `Fetch ${urls.join(', ')} on another machine, copy ${urls.length > 1 ? 'them' : 'it'} here, then: triggerlab datasets import ${official.name} DIR`;
}

function packedBytes(official: OfficialDataset): number {
  const { train, test } = official.classCounts;
  return [...train, ...test].reduce((sum, count) => sum + count, 0) * bytesPerImage(official);
}

/** Whether the files that a card names are there and unchanged. */
async function isIntact({ name, files }: DatasetCard): Promise<boolean> {
  for (const { file, sha256 } of files) {
    const found = await fileDigests(join(datasetDirectory(name), file)).catch(() => undefined);
    if (found?.sha256 !== sha256) return false;
  }
  return true;
}
