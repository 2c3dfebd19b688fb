// Where audits keep what they have found so far.
import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../core/cache-directory.ts';

/** The folder of all audits. */
export function auditDirectory(): string {
  return join(cacheDirectory(), 'audits');
}

/** The audits that something is kept of: when each was last used (ms), and its size. */
export function keptAudits(directory = auditDirectory()): { path: string; used: number; bytes: number }[] {
  const entries = (path: string) => {
    try {
      return readdirSync(path, { withFileTypes: true });
    } catch {
      return [];
    }
  };
  return entries(directory)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const path = join(directory, name);
      const files = entries(path).flatMap((file) => statSync(join(path, file.name), { throwIfNoEntry: false }) ?? []);
      return {
        path,
        used: Math.max(0, ...files.map(({ mtimeMs }) => mtimeMs)),
        bytes: files.reduce((sum, { size }) => sum + size, 0),
      };
    });
}

/** Forgets all of them. */
export async function clearAudits(): Promise<void> {
  await rm(auditDirectory(), { recursive: true, force: true });
}
