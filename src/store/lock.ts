// The lock file of an embedded store: at most one live process holds it, whatever dies when.
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { isProcessAlive, processSpace, processStart } from './process-identity.ts';

const schema = z.object({
  /** Tells this holding from every other. */
  id: z.string().regex(/^[0-9a-f-]{36}$/),
  pid: z.int().positive(),
  /** Where `pid` means something: see processSpace. */
  host: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  processStart: z.string().nullable(),
  /** `run`: holds the store for long and serves a socket. `use`: a short command. */
  purpose: z.enum(['run', 'use']),
  /** Directory of the socket file, or `127.0.0.1:PORT`; null until it listens. */
  socket: z.string().nullable(),
  /** Password of the socket when it is a port. */
  token: z.string().optional(),
});

/** What a lock file says about its holder. */
export type LockInfo = z.infer<typeof schema>;

export type LockAttempt =
  | { readonly kind: 'taken'; readonly lock: StoreLock }
  /** A live process has it, or one on another machine, of which nothing can be known. */
  | { readonly kind: 'held'; readonly by: LockInfo }
  /** Somebody is just taking it: try again in a moment. */
  | { readonly kind: 'busy' };

/** What a lock file holds now; undefined when there is none, `unreadable` for one that makes no sense. */
export function readLock(path: string): LockInfo | 'unreadable' | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return 'unreadable';
  }
}

/** Whether the holder named in a lock may still be at work. */
export function isHeld(info: LockInfo): boolean {
  return info.host !== processSpace() || isProcessAlive(info.pid, info.processStart);
}

/** Creates `path` with `content` complete from the first moment; false when it exists. */
function createWhole(path: string, content: string): boolean {
  const temporary = join(dirname(path), `.lock-${randomUUID()}.tmp`);
  writeFileSync(temporary, content, { flag: 'wx', mode: 0o600 });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // No hard links here (FAT, some network drives): exclusive creation, complete a moment later.
    return createExclusively(path, content);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function createExclusively(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function replaceWhole(path: string, content: string): void {
  const temporary = join(dirname(path), `.lock-${randomUUID()}.tmp`);
  writeFileSync(temporary, content, { flag: 'wx', mode: 0o600 });
  renameSync(temporary, path);
}

/**
 * Tries once to take the lock at `path`.
 *
 * A lock of a dead process is replaced only by whoever creates the claim file named after that holding. A claimant that
 * dies leaves its claim, which is claimed in turn under the claimant's own id: so each holding has one successor, and
 * a slow process that still believes in an old holding finds, with its claim in hand, that the lock has moved on.
 * @throws the system's error when the directory cannot be written.
 */
export function tryLock(path: string, purpose: LockInfo['purpose']): LockAttempt {
  const info: LockInfo = {
    id: randomUUID(),
    pid: process.pid,
    host: processSpace(),
    startedAt: new Date().toISOString(),
    processStart: processStart(process.pid),
    purpose,
    socket: null,
  };
  const content = JSON.stringify(info);
  const found = readLock(path);
  if (found === undefined) {
    return createWhole(path, content) ? { kind: 'taken', lock: new StoreLock(path, info) } : { kind: 'busy' };
  }
  if (found === 'unreadable') return { kind: 'busy' };
  if (isHeld(found)) return { kind: 'held', by: found };

  const claims: string[] = [];
  const succession = [found.id];
  for (let holder = found; ; ) {
    const claim = `${path}.${holder.id}`;
    claims.push(claim);
    const claimant = readLock(claim);
    if (claimant === undefined) {
      if (!createWhole(claim, content)) return { kind: 'busy' };
      break;
    }
    if (claimant === 'unreadable' || isHeld(claimant)) return { kind: 'busy' };
    succession.push(claimant.id);
    holder = claimant;
  }
  const current = readLock(path);
  const mine = current !== undefined && current !== 'unreadable' && succession.includes(current.id);
  if (mine) replaceWhole(path, content);
  for (const claim of mine ? claims : claims.slice(-1)) rmSync(claim, { force: true });
  return mine ? { kind: 'taken', lock: new StoreLock(path, info, found) } : { kind: 'busy' };
}

/** A lock that this process holds. */
export class StoreLock {
  readonly path: string;
  /** The dead holder it was taken over from. */
  readonly predecessor: LockInfo | undefined;
  #info: LockInfo;

  constructor(path: string, info: LockInfo, predecessor?: LockInfo) {
    this.path = path;
    this.predecessor = predecessor;
    this.#info = info;
  }

  /** Tells others where the database can be reached. */
  announce(socket: string, token?: string): void {
    this.#info = { ...this.#info, socket, token };
    replaceWhole(this.path, JSON.stringify(this.#info));
  }

  /** Gives the lock up; does nothing when it is no longer this process's. */
  release(): void {
    const found = readLock(this.path);
    if (found !== undefined && found !== 'unreadable' && found.id === this.#info.id) rmSync(this.path, { force: true });
  }
}
