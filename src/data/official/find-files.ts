// Which of somebody's files are those that a dataset was published as, told by their names.
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inputError, messageOf } from '../../core/errors.ts';
import type { OfficialDataset } from '../dataset.ts';

/**
 * The files of a dataset in the order of `official.files`, from files and folders that somebody named. A file may be
 * unpacked (without `.gz`) or have a dot for the hyphen before `idx`; a single file may have any name.
 * @throws TriggerlabError (input) that says which are missing, or there twice.
 */
export function findOfficialFiles(official: OfficialDataset, given: readonly string[]): string[] {
  const { name, files } = official;
  const candidates = given.flatMap(filesAt);
  if (files.length === 1 && given.length === 1 && candidates.length === 1) return candidates;
  const found = files.map((published) => {
    const wanted = plain(published.name);
    const matches = candidates.filter((path) => plain(basename(path)) === wanted);
    const exact = matches.filter((path) => basename(path) === published.name);
    if (matches.length > 1 && exact.length !== 1) {
      throw inputError(`${name}: ${matches.join(' and ')} are both ${published.name}`, {
        hint: 'Name the files one by one.',
      });
    }
    return exact[0] ?? matches[0];
  });
  const missing = files.filter((_, i) => found[i] === undefined).map((file) => file.name);
  if (missing.length === 0) return found;
  throw inputError(`${name}: no ${missing.join(', ')} in ${given.join(', ')}`, {
    hint: `${name} consists of ${files.map((file) => file.name).join(', ')}. Give the folder that has them, or each file.`,
  });
}

function plain(file: string): string {
  return file.toLowerCase().replace(/\.gz$/, '').replace('.idx', '-idx');
}

function filesAt(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const entries = readdirSync(path, { withFileTypes: true });
    // A folder may come from elsewhere: its links are not followed.
    return entries.filter((entry) => entry.isFile()).map((entry) => join(path, entry.name));
  } catch (cause) {
    throw inputError(`${path} cannot be read: ${messageOf(cause)}`, { hint: 'Give a folder or the files.', cause });
  }
}
