import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { emptyDatabase } from '../../test/support/empty-database.ts';
import type { EmbeddedDatabase } from './pglite.ts';
import { serveDatabase, type WireServer } from './wire-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'wire-'));
const path = join(directory, '.s.PGSQL.5432');
let db: EmbeddedDatabase;
let server: WireServer;

beforeAll(async () => {
  db = await emptyDatabase(join(directory, 'store'));
  await db.exec('CREATE TABLE t (a int)');
  server = await serveDatabase(db, { path }, { holdMs: 300 });
});
beforeEach(() => db.exec('TRUNCATE t'));
afterAll(async () => {
  await server?.close();
  await db?.close();
  rmSync(directory, { recursive: true });
});

async function client(): Promise<pg.Client> {
  const made = new pg.Client({ host: directory, user: 'postgres', database: 'postgres' });
  made.on('error', () => undefined);
  await made.connect();
  return made;
}

const rows = async () => (await db.query<{ a: number }>('SELECT a FROM t ORDER BY a')).map((row) => row.a);

test('the owner’s rows do not go with a client’s rollback, nor a client’s with the owner’s', async () => {
  const guest = await client();
  await guest.query('BEGIN');
  await guest.query('INSERT INTO t VALUES (1)');
  const owners = db.query('INSERT INTO t VALUES (2)');
  await guest.query('ROLLBACK');
  await owners;
  expect(await rows()).toEqual([2]);

  let guests: Promise<unknown> | undefined;
  const failing = db.transaction(async (tx) => {
    await tx.query('INSERT INTO t VALUES (3)');
    guests = guest.query('INSERT INTO t VALUES ($1)', [4]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    throw new Error('undone');
  });
  await expect(failing).rejects.toThrow('undone');
  await guests;
  expect(await rows()).toEqual([2, 4]);
  await guest.end();
});

test('two clients and the owner at full speed get their own answers, errors included', async () => {
  const guests = await Promise.all([client(), client()]);
  const ask = async (query: (sql: string, parameters: number[]) => Promise<{ x: number }[]>) => {
    for (let i = 0; i < 150; i++) {
      expect(await query('SELECT $1::int AS x', [i])).toEqual([{ x: i }]);
      if (i % 10 === 0) await expect(query('SELECT 1 / $1::int AS x', [0])).rejects.toThrow(/division by zero/);
    }
  };
  await Promise.all([
    ...guests.map((guest) => ask(async (sql, parameters) => (await guest.query(sql, parameters)).rows)),
    ask((sql, parameters) => db.query(sql, parameters)),
  ]);
  await Promise.all(guests.map((guest) => guest.end()));
});

test('a client that dies or falls asleep in a transaction is undone, and the owner goes on', async () => {
  const dying = await client();
  await dying.query('BEGIN');
  await dying.query('INSERT INTO t VALUES (1)');
  (dying as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  await db.query('INSERT INTO t VALUES (2)');
  expect(await rows()).toEqual([2]);

  const sleeping = await client();
  await sleeping.query('BEGIN');
  await sleeping.query('INSERT INTO t VALUES (3)');
  await db.query('INSERT INTO t VALUES (4)');
  expect(await rows()).toEqual([2, 4]);
  await expect(sleeping.query('COMMIT')).rejects.toThrow();
});

test('a large result and a large parameter pass whole', async () => {
  const guest = await client();
  const text = 'ζ'.repeat(6_000_000);
  const { rows: found } = await guest.query('SELECT $1::text AS text, length($1::text) AS n', [text]);
  expect(found[0].n).toBe(text.length);
  expect(found[0].text === text).toBe(true);
  await guest.end();
});

test('noise on the socket is cut off', async () => {
  for (const noise of [
    Buffer.alloc(8),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('ffffffffffffffff', 'hex'),
  ]) {
    const socket = connect(path);
    socket.on('error', () => undefined);
    socket.write(noise);
    await new Promise((resolve) => socket.on('close', resolve));
  }
  expect(await rows()).toEqual([]);
});
