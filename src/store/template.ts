// The database that a new store begins with, kept in the cache directory: PostgreSQL takes seconds to make one, and they are all alike.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { cacheDirectory } from '../core/cache-directory.ts';
import { removeAbandoned, writeFileAtomic } from '../core/files.ts';
import { canonicalJson, sha256Hex } from '../core/hash.ts';
import { isDiskFull } from '../core/system-fault.ts';
import { MIGRATIONS } from './migrations.ts';

const MAX_BYTES = 256 * 2 ** 20;
/** Where pg_control has the state of the database, and what stands there after it was closed in order. */
const [STATE_AT, SHUT_DOWN] = [16, 1];

/** Of each file its name, parts separated by `/`, and its bytes, in the order in which they follow the line that holds this. */
const contents = z.strictObject({
  folders: z.array(z.string()).max(1000),
  files: z.array(z.tuple([z.string(), z.int().min(0).max(MAX_BYTES)])).max(10_000),
});

/** The folder of all templates. */
export function templateDirectory(): string {
  return join(cacheDirectory(), 'store-templates');
}

/** The template of this version of PGlite and of the store's tables. */
export function templateFile(): string {
  const main = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const { version } = JSON.parse(readFileSync(join(dirname(main), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return join(templateDirectory(), `pglite-${version}-${sha256Hex(canonicalJson(MIGRATIONS)).slice(0, 16)}.gz`);
}

/**
 * Fills an empty directory with the template's database; false, and nothing is in it, when there is no template or none
 * that is whole.
 * @throws the file system's own error when the disk of `directory` is full.
 */
export async function unpackTemplate(directory: string, file = templateFile()): Promise<boolean> {
  try {
    unpack(await promisify(gunzip)(readFileSync(file), { maxOutputLength: MAX_BYTES }), directory);
    if (isShutDown(directory)) return true;
  } catch (error) {
    if (isDiskFull(error)) throw error;
  }
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
  return false;
}

/** Keeps a database that nobody has open as the template. Where that is not possible, the next new store takes as long as this. */
export async function keepTemplate(directory: string, file = templateFile()): Promise<void> {
  if (!isShutDown(directory)) return;
  const packed = await promisify(gzip)(pack(directory), { level: 1 });
  try {
    removeAbandoned(dirname(file));
    await writeFileAtomic(file, packed);
  } catch {}
}

function isShutDown(directory: string): boolean {
  return readFileSync(join(directory, 'global', 'pg_control')).readInt32LE(STATE_AT) === SHUT_DOWN;
}

function pack(directory: string): Buffer {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const [folders, files]: [string[], [string, number][]] = [[], []];
  const parts: Buffer[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const portable = name.split(sep).join('/');
    if (statSync(path).isDirectory()) folders.push(portable);
    else {
      parts.push(readFileSync(path));
      files.push([portable, parts[parts.length - 1].length]);
    }
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify({ folders, files })}\n`), ...parts]);
}

function unpack(bytes: Buffer, directory: string): void {
  const end = bytes.indexOf('\n');
  const { folders, files } = contents.parse(JSON.parse(bytes.toString('utf8', 0, end)));
  const inside = (name: string) => {
    if (!/^\w[\w.]*(\/\w[\w.]*)*$/.test(name)) throw new Error(`${name} is no name of a database's file`);
    return join(directory, name);
  };
  // A folder's name sorts before those of what is in it.
  for (const name of folders) mkdirSync(inside(name), { mode: 0o700 });
  let at = end + 1;
  for (const [name, size] of files) {
    if (at + size > bytes.length) throw new Error(`${name} is cut short`);
    writeFileSync(inside(name), bytes.subarray(at, at + size), { flag: 'wx', mode: 0o600 });
    at += size;
  }
}
