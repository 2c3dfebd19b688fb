// Whether a disk has room, asked before hours are spent on filling it.
import { existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { failedError } from './errors.ts';
import { formatBytes } from './format.ts';

/** Bytes that must stay free. */
const RESERVE = 50e6;

/** Bytes free for this user where `directory` is or is going to be; undefined where the system does not say. */
export function freeBytes(directory: string): number | undefined {
  let existing = resolve(directory);
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    const { bavail, bsize } = statfsSync(existing);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** @throws TriggerlabError (failed) when `directory` has no room for `bytes`; `what` is to be stored there. */
export function requireSpace(directory: string, bytes: number, what: string): void {
  const free = freeBytes(directory);
  if (free === undefined || free >= bytes + RESERVE) return;
  throw failedError(`no room for ${what}: ${formatBytes(bytes)} needed in ${directory}, ${formatBytes(free)} free`, {
    hint: 'Free some space, or set TRIGGERLAB_CACHE to a directory on a larger disk.',
  });
}
