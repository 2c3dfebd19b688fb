// The embedded store's directory: db/ (PGlite), artifacts/, lock, and a socket while a run holds it.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { failedError, inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import { makeDirectory } from '../core/files.ts';
import { diskFull, isDiskFull } from '../core/system-fault.ts';
import type { Database } from './database.ts';
import { type LockInfo, readLock, type StoreLock, tryLock } from './lock.ts';
import { migrate } from './migrations.ts';
import { EmbeddedDatabase, requireRoomForNew } from './pglite.ts';
import { connectPostgres } from './postgres.ts';
import { connectionConfig, makeSocketDirectory, removeSocketDirectory, socketFile } from './socket-address.ts';
import { serveDatabase, type WireServer } from './wire-server.ts';

/** `own`: for a run, which holds the store for long. `use`: for commands that read or change it briefly. */
export type OpenMode = 'own' | 'use';

export interface OpenedDatabase {
  readonly db: Database;
  /** Whether this process holds the store; otherwise it talks to the process that does. */
  readonly owner: boolean;
  readonly close: () => Promise<void>;
}

export interface EmbeddedOptions {
  readonly mode: OpenMode;
  /** How long to wait for other commands to be done with the store. Default 60 s. */
  readonly waitMs?: number;
  /** `tcp` serves a local port with a password instead of a socket file; the default on Windows. */
  readonly socket?: 'file' | 'tcp';
}

/**
 * Opens the store in a directory; `own` creates it when it is not there.
 * @throws TriggerlabError (input) when there is no store to use, when another run holds it and `own` was asked for, or
 * when the directory cannot be used.
 */
export async function openEmbedded(location: string, options: EmbeddedOptions): Promise<OpenedDatabase> {
  const directory = resolve(location);
  prepareDirectory(directory, location, options.mode);
  const path = join(directory, 'lock');
  const deadline = Date.now() + (options.waitMs ?? 60_000);
  for (let pause = 20; ; pause = Math.min(2 * pause, 250)) {
    const attempt = explainingDisk(location, () => tryLock(path, options.mode === 'own' ? 'run' : 'use'));
    if (attempt.kind === 'taken') return openOwned(directory, location, attempt.lock, options);
    if (attempt.kind === 'held') {
      const { by } = attempt;
      if (options.mode === 'own' && by.purpose === 'run') throw ownedElsewhere(location, by);
      if (by.socket !== null) {
        const client = await connect(location, by, path);
        if (client) return client;
      }
    }
    if (Date.now() > deadline) throw stillHeld(location, path);
    await sleep(pause);
  }
}

function prepareDirectory(directory: string, location: string, mode: OpenMode): void {
  const stats = explainingDisk(location, () => statSync(directory, { throwIfNoEntry: false }) as Stats | undefined);
  if (stats && !stats.isDirectory()) {
    throw inputError(`the store ${location} is not a directory`, { hint: 'Name a directory with --store DIR.' });
  }
  if (mode === 'own') {
    explainingDisk(location, () => makeDirectory(directory));
  } else if (!hasDatabase(directory) && readLock(join(directory, 'lock')) === undefined) {
    throw noStore(location);
  }
}

function noStore(location: string): TriggerlabError {
  return inputError(`no store at ${location}`, {
    hint: 'Run an experiment first: triggerlab run suites/quick.yaml. Or name another store with --store.',
  });
}

function hasDatabase(directory: string): boolean {
  return statSync(join(directory, 'db', 'PG_VERSION'), { throwIfNoEntry: false }) !== undefined;
}

function explainingDisk<T>(location: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof TriggerlabError || typeof code !== 'string') throw error;
    if (isDiskFull(error)) throw diskFull(`the store at ${location} cannot be opened`, error);
    const denied = ['EACCES', 'EPERM', 'EROFS'].includes(code);
    throw inputError(
      denied
        ? `the store at ${location} cannot be written to (${code})`
        : `the store at ${location} cannot be used: ${messageOf(error)}`,
      {
        hint: denied
          ? 'Reading it needs write access too: copy it to a directory of yours and name that with --store DIR.'
          : 'Check the path and the disk, or name another directory with --store DIR.',
        cause: error,
      },
    );
  }
}

function ownedElsewhere(location: string, by: LockInfo): TriggerlabError {
  return inputError(`the store at ${location} is in use by another run: process ${by.pid}, since ${by.startedAt}`, {
    hint: 'Wait for it or stop it, or name another store with --store DIR. `triggerlab results` works meanwhile.',
  });
}

function stillHeld(location: string, path: string): TriggerlabError {
  const info = readLock(path);
  const holder =
    info === undefined || info === 'unreadable'
      ? 'a process unknown'
      : `process ${info.pid} on ${info.host.split(' ')[0]}`;
  return inputError(`the store at ${location} is still in use by ${holder}`, {
    hint: `Try again later. If that process is gone for good (another machine, a container), delete ${path}.`,
  });
}

/** A connection to the holder of a lock; undefined when it has gone meanwhile. */
async function connect(location: string, by: LockInfo, path: string): Promise<OpenedDatabase | undefined> {
  if (by.socket === null) return undefined;
  let db: Database;
  try {
    db = await connectPostgres(
      connectionConfig(by.socket, by.token),
      `the run that holds the store at ${location} (process ${by.pid})`,
    );
  } catch (error) {
    const now = readLock(path);
    const moved = now === undefined || now === 'unreadable' || now.id !== by.id;
    if (moved || isUnreachable(error)) return undefined;
    throw error;
  }
  try {
    await migrate(db, location);
  } catch (error) {
    await db.close();
    throw error;
  }
  return { db, owner: false, close: () => db.close() };
}

/** The other side is not (or no longer) listening: a matter of moments, or of another machine. */
function isUnreachable(error: unknown): boolean {
  const code = ((error as Error).cause as { code?: unknown } | undefined)?.code;
  return code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ECONNRESET';
}

async function openOwned(
  directory: string,
  location: string,
  lock: StoreLock,
  options: EmbeddedOptions,
): Promise<OpenedDatabase> {
  let db: EmbeddedDatabase | undefined;
  let served: Served | undefined;
  try {
    const before = lock.predecessor?.socket;
    if (before) removeSocketDirectory(directory, before);
    // A first start that was killed leaves its lock and no database.
    if (options.mode === 'use' && !hasDatabase(directory)) throw noStore(location);
    db = await openDatabase(directory, location);
    await migrate(db, location);
    if (options.mode === 'own') served = await serve(directory, db, lock, options.socket);
  } catch (error) {
    await db?.close();
    lock.release();
    throw error;
  }
  const opened = { db, served };
  let closing: Promise<void> | undefined;
  const close = async () => {
    await opened.served?.close();
    await opened.db.close();
    lock.release();
  };
  return {
    db,
    owner: true,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function openDatabase(directory: string, location: string): Promise<EmbeddedDatabase> {
  const final = join(directory, 'db');
  try {
    for (const name of readdirSync(directory)) {
      if (name.startsWith('.db-new-')) rmSync(join(directory, name), { recursive: true, force: true });
    }
    if (!hasDatabase(directory)) {
      // Made elsewhere and moved into place when it is complete: a first start that is killed leaves nothing half done.
      const temporary = join(directory, `.db-new-${randomUUID()}`);
      mkdirSync(temporary, { mode: 0o700 });
      await fillDatabase(temporary, location);
      // Replaces an empty directory, and fails on one that holds anything.
      renameSync(temporary, final);
    }
    // Left by an owner that was killed; our lock says that nobody has the database open.
    rmSync(join(final, 'postmaster.pid'), { force: true });
    return await EmbeddedDatabase.open(final);
  } catch (error) {
    if (isDiskFull(error))
      throw error instanceof TriggerlabError ? error : diskFull(`the store at ${location} cannot be opened`, error);
    throw failedError(`the database of the store at ${location} could not be opened: ${messageOf(error)}`, {
      hint: `Try again. If this stays, move ${final} away to start anew: the store then has no results.`,
      cause: error,
    });
  }
}

/** Puts the database of a store without rows into an empty directory. */
async function fillDatabase(directory: string, location: string): Promise<void> {
  requireRoomForNew(directory);
  // Loaded for new stores only.
  const { keepTemplate, unpackTemplate } = await import('./template.ts');
  if (await unpackTemplate(directory)) return;
  const db = await EmbeddedDatabase.open(directory);
  try {
    await migrate(db, location);
  } finally {
    await db.close();
  }
  await keepTemplate(directory);
}

interface Served {
  close(): Promise<void>;
}

async function serve(
  directory: string,
  db: EmbeddedDatabase,
  lock: StoreLock,
  kind: 'file' | 'tcp' = process.platform === 'win32' ? 'tcp' : 'file',
): Promise<Served> {
  if (kind === 'tcp') {
    const token = randomUUID();
    const server = await serveDatabase(db, { host: '127.0.0.1', port: 0 }, { token });
    lock.announce(`127.0.0.1:${server.port}`, token);
    return server;
  }
  let place = makeSocketDirectory(directory);
  let server: WireServer;
  try {
    server = await serveDatabase(db, { path: socketFile(place) });
  } catch {
    // Some network and Windows drives cannot hold socket files.
    removeSocketDirectory(directory, place);
    place = makeSocketDirectory(directory, true);
    server = await serveDatabase(db, { path: socketFile(place) });
  }
  lock.announce(place);
  return {
    async close() {
      await server.close();
      removeSocketDirectory(directory, place);
    },
  };
}
