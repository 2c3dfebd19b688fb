// Files written whole or not at all.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inputError } from './errors.ts';
import { isAbandoned, makerMark } from './maker.ts';

/** Writes a file by way of a temporary neighbour and a rename: readers see the old content or the new, never a part. */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  await replaceFile(path, async (temporary) => {
    await writeFile(temporary, data);
    return path;
  });
}

/**
 * The same for content that is written piece by piece: `write` fills the temporary file and answers what it is to be
 * called, a path in the same directory as `path`.
 */
export async function replaceFile(path: string, write: (temporary: string) => Promise<string>): Promise<void> {
  makeDirectory(dirname(path));
  const temporary = join(dirname(path), `.${makerMark()}.tmp`);
  try {
    await rename(temporary, await write(temporary));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Removes temporary files that ended processes left in a directory. */
export function removeAbandoned(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const [, mark] = /^\.(.+)\.tmp$/.exec(name) ?? [];
    const path = join(directory, name);
    if (mark !== undefined && isAbandoned(mark, path)) rmSync(path, { force: true });
  }
}

/**
 * Makes a directory and those above it; does nothing when it is there.
 * Node's own `recursive` never returns where a file system refuses (as in /proc).
 */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path || existsSync(dirname(path))) throw error;
    makeDirectory(dirname(path));
    makeDirectory(path);
  }
}

/**
 * Makes a directory with what `write` puts into the temporary one it is given: it is there whole or not at all.
 * @throws TriggerlabError (input) when there is something of that name already, other than an empty directory.
 */
export async function fillDirectory(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  refuseFilled(path);
  makeDirectory(dirname(path));
  const temporary = join(dirname(path), `.${makerMark()}.tmp`);
  try {
    makeDirectory(temporary);
    await write(temporary);
    // Fails where something was put there meanwhile.
    if (existsSync(path)) await rmdir(path);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** @throws TriggerlabError (input) when there is something of that name, other than an empty directory. */
export function refuseFilled(path: string): void {
  if (!existsSync(path)) return;
  const hint = 'Name a directory that does not exist yet, or an empty one.';
  if (!statSync(path).isDirectory()) throw inputError(`${path} is a file`, { hint });
  if (readdirSync(path).length > 0) throw inputError(`${path} is not empty`, { hint });
}
