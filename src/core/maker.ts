// Files in the making carry the mark of the process that makes them, so that what ended processes left can be told from the rest.
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { sha256Hex } from './hash.ts';

/** A file of another machine (caches lie on shared disks) that nobody wrote to for so long belongs to nobody. */
const SILENT_MS = 3_600_000;

const host = () => sha256Hex(hostname()).slice(0, 8);

/** A mark of this process that no other file has: `<machine>-<process>-<random>`. */
export function makerMark(): string {
  return `${host()}-${process.pid}-${randomUUID().slice(0, 8)}`;
}

/** Whether a text is a mark, and its process has ended. `path` is the file that carries it. */
export function isAbandoned(mark: string, path: string): boolean {
  const [, machine, pid] = /^([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{8}$/.exec(mark) ?? [];
  if (machine === undefined) return false;
  return machine === host() ? !isAlive(Number(pid)) : isSilent(path);
}

/** Whether a mark is one of this process, or of one before it that had the same number. */
export function isOwnMark(mark: string): boolean {
  return mark.startsWith(`${host()}-${process.pid}-`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isSilent(path: string): boolean {
  try {
    return statSync(path).mtimeMs < Date.now() - SILENT_MS;
  } catch {
    return false;
  }
}
