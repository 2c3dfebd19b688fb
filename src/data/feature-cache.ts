// The feature store of this user: where it lies and how large it may grow.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from '../core/cache-directory.ts';
import { inputError } from '../core/errors.ts';
import {
  DESCRIPTION_FILE,
  type FeatureDescription,
  FeatureStore,
  filesOfFolder,
  foldersIn,
  storedFeatures,
} from './feature-store.ts';

const DEFAULT_LIMIT = 20e9;
const UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** The folder of all features. */
export function featureDirectory(): string {
  return join(cacheDirectory(), 'features');
}

/**
 * Bytes that features may take: $TRIGGERLAB_FEATURES such as `50GB`, `0` or `off` for none. Default 20 GB.
 * @throws TriggerlabError (input) when it says something else.
 */
export function featureLimit(setting = process.env.TRIGGERLAB_FEATURES): number {
  if (setting === undefined || setting === '') return DEFAULT_LIMIT;
  if (setting === 'off') return 0;
  const [, number, unit = 'B'] = /^(\d+(?:\.\d+)?) ?([kMGT]?B)?$/.exec(setting.trim()) ?? [];
  if (number === undefined) {
    throw inputError(`TRIGGERLAB_FEATURES is "${setting}", expected a size`, {
      hint: 'Such as 50GB, 500MB, 0 or off.',
    });
  }
  return Math.floor(Number(number) * UNITS[unit]);
}

let own: FeatureStore | undefined;

/** The store of this process for the features of networks; `numerics` names the version of the program's numbers. */
export function featureStore(numerics: number): FeatureStore {
  own ??= openFeatureStore(String(numerics));
  return own;
}

/** The processor, whose instructions decide last bits. */
export function processor(): string {
  return `${arch()} ${cpus()[0]?.model ?? ''}`;
}

/** A view of the user's store. What is in it is kept apart by processor, whose instructions decide last bits. */
export function openFeatureStore(circumstances: string, memory?: number): FeatureStore {
  return new FeatureStore({
    directory: featureDirectory(),
    limit: featureLimit(),
    circumstances: `${circumstances} ${processor()}`,
    ...(memory === undefined ? {} : { memory }),
  });
}

export interface CachedTable extends FeatureDescription {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly used: number;
}

/** What is cached, last used first. Folders without a description are of no use and left out. */
export function cachedTables(directory = featureDirectory()): CachedTable[] {
  return foldersIn(directory)
    .flatMap((path) => {
      const description = describedIn(path);
      const files = filesOfFolder(path);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      const used = Math.max(0, ...files.map((file) => file.used));
      return description && files.length > 0 ? [{ ...description, path, files: files.length, bytes, used }] : [];
    })
    .sort((a, b) => b.used - a.used);
}

/** Deletes all features; a process that is using them computes them again. */
export async function clearFeatures(directory = featureDirectory()): Promise<{ files: number; bytes: number }> {
  const files = storedFeatures(directory);
  for (const path of foldersIn(directory)) await rm(path, { recursive: true, force: true });
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function describedIn(path: string): FeatureDescription | undefined {
  try {
    return JSON.parse(readFileSync(join(path, DESCRIPTION_FILE), 'utf8')) as FeatureDescription;
  } catch {
    return undefined;
  }
}
