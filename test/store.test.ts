// The store on the embedded database, and on a PostgreSQL server when TRIGGERLAB_TEST_POSTGRES names one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIGRATIONS, migrate, SCHEMA_VERSION } from '../src/store/migrations.ts';
import { openStore } from '../src/store/open.ts';
import type { EmbeddedDatabase } from '../src/store/pglite.ts';
import { connectPostgres } from '../src/store/postgres.ts';
import { archiveSuite } from './archive-suite.ts';
import { queueSuite } from './queue-suite.ts';
import { type StoreUnderTest, storeSuite } from './store-suite.ts';
import { emptyDatabase } from './support/empty-database.ts';

function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'store-test-'));
}

async function onPglite(): Promise<StoreUnderTest> {
  const directory = temporaryDirectory();
  const warnings: string[] = [];
  const store = await openStore(directory, { mode: 'own', warn: (message) => warnings.push(message) });
  return {
    store,
    warnings,
    artifacts: join(directory, 'artifacts'),
    async close() {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
}
storeSuite('PGlite', onPglite);
queueSuite('PGlite', onPglite);
archiveSuite('PGlite to PGlite', onPglite, onPglite);

/** A schema of its own on the server, as a URL, and a function that drops it. */
async function freshSchema(server: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const schema = `triggerlab_test_${process.pid}_${Date.now()}`;
  const run = async (sql: string) => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await run(`CREATE SCHEMA ${schema}`);
  const url = new URL(server);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return { url: url.href.replaceAll('+', '%20'), drop: () => run(`DROP SCHEMA ${schema} CASCADE`) };
}

const server = process.env.TRIGGERLAB_TEST_POSTGRES;
if (server) {
  const onServer = async (): Promise<StoreUnderTest> => {
    const { url, drop } = await freshSchema(server);
    const artifacts = temporaryDirectory();
    const warnings: string[] = [];
    const store = await openStore(url, { mode: 'own', artifacts, warn: (message) => warnings.push(message) });
    return {
      store,
      warnings,
      artifacts,
      async close() {
        await store.close();
        await drop();
        rmSync(artifacts, { recursive: true });
      },
    };
  };
  storeSuite('PostgreSQL', onServer);
  queueSuite('PostgreSQL', onServer);
  archiveSuite('PGlite to PostgreSQL', onPglite, onServer);
  archiveSuite('PostgreSQL to PGlite', onServer, onPglite);

  test('processes that migrate a server at once do it once', async () => {
    const { url, drop } = await freshSchema(server);
    const pools = await Promise.all([1, 2, 3].map(() => connectPostgres({ connectionString: url }, 'the server')));
    await Promise.all(pools.map((db) => migrate(db, 'the server')));
    const rows = await pools[0].query('SELECT version FROM schema_version');
    expect(rows).toHaveLength(MIGRATIONS.length);
    await Promise.all(pools.map((db) => db.close()));
    await drop();
  });
}

describe('migrations', () => {
  let directory: string;
  let db: EmbeddedDatabase;
  beforeAll(async () => {
    directory = temporaryDirectory();
    db = await emptyDatabase(directory);
  });
  afterAll(async () => {
    await db?.close();
    rmSync(directory, { recursive: true });
  });

  test('run once, all or nothing, and refuse a newer store', async () => {
    await db.exec('CREATE TABLE artifacts (in_the_way int)');
    await expect(migrate(db, 'here')).rejects.toThrow(/artifacts/);
    const left = await db.query("SELECT to_regclass('runs') AS runs, to_regclass('schema_version') AS version");
    expect(left).toEqual([{ runs: null, version: null }]);

    await db.exec('DROP TABLE artifacts');
    await migrate(db, 'here');
    await migrate(db, 'here');
    expect(await db.query('SELECT version FROM schema_version')).toHaveLength(MIGRATIONS.length);

    await db.query('INSERT INTO schema_version VALUES ($1, now())', [SCHEMA_VERSION + 1]);
    await expect(migrate(db, 'here')).rejects.toMatchObject({
      kind: 'input',
      message: `the store at here has schema version ${SCHEMA_VERSION + 1}; this program knows up to ${SCHEMA_VERSION}`,
    });
  });

  test('a transaction that throws leaves nothing, one that nests is one', async () => {
    await db.exec('CREATE TABLE t (a int)');
    const failing = db.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES (1)');
      await tx.transaction(async (inner) => {
        await inner.query('INSERT INTO t VALUES (2)');
      });
      throw new Error('no');
    });
    const outside = db.query('INSERT INTO t VALUES (3)');
    await expect(failing).rejects.toThrow('no');
    await outside;
    expect(await db.query('SELECT a FROM t')).toEqual([{ a: 3 }]);
  });
});

test('locations that cannot be stores', async () => {
  for (const location of ['', 'mysql://user:secret@host/db', 'http://example.org', 'postgres://[bad']) {
    const error = await openStore(location, { mode: 'use' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'input' });
    expect(String(error)).not.toContain('secret');
  }
  await expect(openStore('postgres://user:secret@127.0.0.1:1/db', { mode: 'use' })).rejects.toMatchObject({
    kind: 'failed',
    message: expect.not.stringContaining('secret'),
  });
});
