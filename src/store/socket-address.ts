// Where the socket of an embedded store lies: beside it, or in a short temporary directory when paths get too long.
import { chmodSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type pg from 'pg';

/** The name that PostgreSQL's clients look for in a socket directory. */
const SOCKET_FILE = '.s.PGSQL.5432';
/** Longest path of a socket file: 104 bytes on macOS, 108 on Linux, the closing NUL included. */
const LONGEST_PATH = 103;
const TEMPORARY_PREFIX = 'triggerlab-';

/** A new 0700 directory for the socket file of the store at `store`; `temporary` asks for one outside the store. */
export function makeSocketDirectory(store: string, temporary = false): string {
  const beside = join(store, 'socket');
  if (!temporary && Buffer.byteLength(join(beside, SOCKET_FILE)) <= LONGEST_PATH) {
    mkdirSync(beside, { recursive: true, mode: 0o700 });
    chmodSync(beside, 0o700);
    rmSync(join(beside, SOCKET_FILE), { force: true });
    return beside;
  }
  return mkdtempSync(join(tmpdir(), TEMPORARY_PREFIX));
}

/** The socket file in a directory from makeSocketDirectory. */
export function socketFile(directory: string): string {
  return join(directory, SOCKET_FILE);
}

/** Removes what makeSocketDirectory made, this process's or a dead one's; never anything else. */
export function removeSocketDirectory(store: string, directory: string): void {
  const temporary = basename(directory).startsWith(TEMPORARY_PREFIX) && dirname(directory) === tmpdir();
  if (!temporary && directory !== join(store, 'socket')) return;
  rmSync(socketFile(directory), { force: true });
  try {
    rmdirSync(directory);
  } catch {
    // Already gone, or somebody keeps a file in it.
  }
}

/** How `pg` reaches an address as a lock announces it: a socket directory or `127.0.0.1:PORT`. */
export function connectionConfig(address: string, token?: string): pg.PoolConfig {
  const port = /^127\.0\.0\.1:(\d+)$/.exec(address)?.[1];
  const where = port === undefined ? { host: address, port: 5432 } : { host: '127.0.0.1', port: Number(port) };
  return { ...where, user: 'postgres', database: 'postgres', password: token ?? '', ssl: false };
}
