// The tables of a store, as numbered steps: a store knows which steps it has had.
import { inputError } from '../core/errors.ts';
import type { Database } from './database.ts';

export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** Steps in order; a released step is never edited. Type json rather than jsonb keeps members in their order. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE experiments (
        name text PRIMARY KEY,
        spec_text text NOT NULL,
        resolved json NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
      );
      CREATE TABLE runs (
        run_id text PRIMARY KEY,
        twin_id text,
        spec json NOT NULL,
        status text NOT NULL DEFAULT 'pending'
          CHECK (status IN ('pending', 'running', 'done', 'failed', 'skipped')),
        clean_accuracy float8,
        asr float8,
        asr_inclusive float8,
        clean_baseline_accuracy float8,
        cad float8,
        natural_asr float8,
        effective_pixels float8,
        test_images int,
        attacked_images int,
        epochs int,
        epoch_losses float8[],
        seconds float8,
        images_per_second float8,
        environment json,
        error text,
        created_at timestamptz NOT NULL,
        started_at timestamptz,
        finished_at timestamptz,
        CHECK (status <> 'done' OR (clean_accuracy IS NOT NULL AND finished_at IS NOT NULL))
      );
      CREATE INDEX runs_status ON runs (status);
      CREATE INDEX runs_twin ON runs (twin_id);
      CREATE TABLE experiment_runs (
        experiment text NOT NULL REFERENCES experiments (name) ON DELETE CASCADE,
        run_id text NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        position int NOT NULL,
        PRIMARY KEY (experiment, run_id)
      );
      CREATE INDEX experiment_runs_run ON experiment_runs (run_id);
      CREATE TABLE artifacts (
        run_id text NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        kind text NOT NULL,
        sha256 text NOT NULL CHECK (length(sha256) = 64),
        bytes bigint NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (run_id, kind)
      );
      CREATE INDEX artifacts_sha256 ON artifacts (sha256);
    `,
  },
  {
    version: 2,
    sql: `
      CREATE TABLE external_sources (
        name text PRIMARY KEY,
        files json NOT NULL,
        imported_at timestamptz NOT NULL
      );
      CREATE TABLE external_runs (
        source text NOT NULL REFERENCES external_sources (name) ON DELETE CASCADE,
        position int NOT NULL,
        data json NOT NULL,
        PRIMARY KEY (source, position)
      );
    `,
  },
  {
    version: 3,
    sql: `
      ALTER TABLE runs
        ADD COLUMN stealth_images int,
        ADD COLUMN stealth_linf float8,
        ADD COLUMN stealth_l2 float8,
        ADD COLUMN stealth_psnr float8,
        ADD COLUMN stealth_ssim float8,
        ADD COLUMN stealth_perceptual float8;
    `,
  },
  { version: 4, sql: 'ALTER TABLE runs ADD COLUMN false_trigger_rate float8' },
  {
    // The queue: who does which run, until when, and what has happened to it.
    version: 5,
    sql: `
      ALTER TABLE runs
        ADD COLUMN place bigint GENERATED ALWAYS AS IDENTITY,
        ADD COLUMN attempts int NOT NULL DEFAULT 0,
        ADD COLUMN worker text,
        ADD COLUMN lease_until timestamptz,
        ADD COLUMN progress float8;
      CREATE INDEX runs_queue ON runs ((twin_id IS NOT NULL), (attempts > 0), place) WHERE status = 'pending';
      CREATE TABLE workers (
        worker text PRIMARY KEY,
        host text NOT NULL,
        pid int NOT NULL,
        slots int NOT NULL,
        threads int NOT NULL,
        started_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        ended_at timestamptz
      );
      CREATE TABLE epochs (
        run_id text NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        epoch int NOT NULL CHECK (epoch > 0),
        loss float8 NOT NULL,
        seconds float8,
        PRIMARY KEY (run_id, epoch)
      );
      CREATE TABLE run_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run_id text NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
        at timestamptz NOT NULL,
        worker text,
        kind text NOT NULL,
        detail json
      );
      CREATE INDEX run_events_run ON run_events (run_id, id);
    `,
  },
  {
    // Defended runs: twin_id is then the run that the defence is about. What each found, and what it cost.
    version: 6,
    sql: `
      ALTER TABLE runs ADD COLUMN keep_weights text CHECK (keep_weights IN ('failed', 'all'));
      CREATE TABLE defenses (
        run_id text PRIMARY KEY REFERENCES runs (run_id) ON DELETE CASCADE,
        metrics json NOT NULL,
        details json NOT NULL,
        seconds float8 NOT NULL,
        forward_passes float8 NOT NULL,
        backward_passes float8 NOT NULL
      );
    `,
  },
  {
    // What runs are counted and put together by, without parsing every spec: a setting is a spec without its seed.
    version: 7,
    sql: `
      ALTER TABLE runs
        ADD COLUMN setting text GENERATED ALWAYS AS (md5((spec::jsonb - 'seed')::text)) STORED,
        ADD COLUMN seed int GENERATED ALWAYS AS ((spec->>'seed')::int) STORED,
        ADD COLUMN model text GENERATED ALWAYS AS (spec->>'model') STORED;
    `,
  },
];

/** The version that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS[MIGRATIONS.length - 1].version;

/** Serialises migrating processes on a server. */
const MIGRATION_LOCK = 7_361_520;

async function schemaVersion(db: Database): Promise<number> {
  // Not to_regclass: within a connection it may answer from a cache that other processes' commits have not reached.
  const [{ present }] = await db.query<{ present: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_tables
                    WHERE tablename = 'schema_version' AND schemaname = ANY (current_schemas(false))) AS present`,
  );
  if (!present) return 0;
  const [row] = await db.query<{ version: number | null }>('SELECT max(version)::int AS version FROM schema_version');
  return row.version ?? 0;
}

/**
 * Brings the tables to this program's version, in one transaction.
 * @param where what messages call the store.
 * @throws TriggerlabError (input) for a store written by a newer program; nothing is changed then.
 */
export async function migrate(db: Database, where: string): Promise<void> {
  const check = (version: number) => {
    if (version <= SCHEMA_VERSION) return;
    throw inputError(
      `the store at ${where} has schema version ${version}; this program knows up to ${SCHEMA_VERSION}`,
      {
        hint: 'It was written by a newer triggerlab: update this one, or name another store with --store.',
      },
    );
  };
  const before = await schemaVersion(db);
  check(before);
  if (before === SCHEMA_VERSION) return;
  await db.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1::bigint)::text', [MIGRATION_LOCK]);
    const version = await schemaVersion(tx);
    check(version);
    if (version === 0) {
      await tx.exec(
        'CREATE TABLE IF NOT EXISTS schema_version (version int PRIMARY KEY, applied_at timestamptz NOT NULL)',
      );
    }
    for (const step of MIGRATIONS.filter((migration) => migration.version > version)) {
      await tx.exec(step.sql);
      await tx.query('INSERT INTO schema_version (version, applied_at) VALUES ($1::int, now()) RETURNING version', [
        step.version,
      ]);
    }
  });
}
