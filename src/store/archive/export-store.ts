// Writes runs of a store, with their results and files, into an archive for another store.
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { failedError } from '../../core/errors.ts';
import { fileSha256 } from '../../core/file-hash.ts';
import { replaceFile } from '../../core/files.ts';
import { packageVersion } from '../../core/version.ts';
import { ArtifactFiles } from '../artifact-files.ts';
import { type DefenseRow, defenseOf } from '../defense-rows.ts';
import type { RunEnvironment } from '../records.ts';
import { METRIC_COLUMNS, type RunRow } from '../rows.ts';
import type { Store } from '../store.ts';
import {
  ARCHIVE_VERSION,
  type ArchivedExperiment,
  type ArchivedRun,
  EXPERIMENTS_FILE,
  encodeExact,
  MANIFEST_FILE,
  RUNS_A_FILE,
} from './format.ts';

export interface ExportWishes {
  /** Experiments whose runs are written; undefined: all runs of the store. */
  readonly experiments?: readonly string[] | undefined;
  /** Of these only the runs with these ids. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Whether the files that belong to runs go along. Default true. */
  readonly artifacts?: boolean | undefined;
  /** Whether it is work to be done elsewhere. */
  readonly shard?: boolean | undefined;
}

export interface Exported {
  readonly experiments: number;
  readonly runs: number;
  readonly done: number;
  readonly artifacts: number;
  /** Files that the store should have and has not, or damaged: they are left out. */
  readonly missing: number;
}

/** @throws TriggerlabError (input) for an experiment that the store does not know. The file appears whole or not at all. */
export async function exportStore(store: Store, path: string, wishes: ExportWishes = {}): Promise<Exported> {
  for (const name of wishes.experiments ?? []) await store.getExperiment(name);
  const ids = await idsOf(store, wishes);
  const experiments = await experimentsOf(store, wishes, new Set(ids));
  const files = new ArtifactFiles(store.artifactDirectory);
  const { sound, missing } = wishes.artifacts === false ? NO_FILES : await filesOf(store, files, ids);
  let done = 0;
  const hashes = new Set<string>();
  await replaceFile(path, async (temporary) => {
    const archive = pack();
    const written = pipeline(archive, createWriteStream(temporary));
    const add = (name: string, value: string) => addBytes(archive, name, Buffer.from(value));
    const fill = async () => {
      const manifest = { format: 'triggerlab-store', version: ARCHIVE_VERSION, triggerlab: packageVersion };
      await add(MANIFEST_FILE, JSON.stringify({ ...manifest, runs: ids.length, ...(wishes.shard && { shard: true }) }));
      await add(EXPERIMENTS_FILE, JSON.stringify(experiments));
      for (let at = 0; at < ids.length; at += RUNS_A_FILE) {
        const runs = await readRuns(store, ids.slice(at, at + RUNS_A_FILE));
        const lines = runs.map((run) => {
          if (run.status === 'done') done++;
          const artifacts = run.artifacts.filter(({ sha256 }) => sound.has(sha256));
          for (const { sha256 } of artifacts) hashes.add(sha256);
          return JSON.stringify({ ...run, artifacts });
        });
        await add(
          `runs-${String(at / RUNS_A_FILE).padStart(6, '0')}.ndjson`,
          lines.map((line) => `${line}\n`).join(''),
        );
      }
      for (const sha256 of hashes) await addFile(archive, `artifacts/${sha256}`, files.pathOf(sha256));
      archive.finalize();
    };
    await Promise.all([written, fill().catch((error: Error) => archive.destroy(error))]);
    return path;
  });
  return { experiments: experiments.length, runs: ids.length, done, artifacts: hashes.size, missing };
}

const NO_FILES = { sound: new Set<string>(), missing: 0 };

/** Which of the files that belong to runs are here as they should be, and how many are not. */
async function filesOf(store: Store, files: ArtifactFiles, ids: readonly string[]): Promise<typeof NO_FILES> {
  const rows = await store.database.query<{ sha256: string }>(
    'SELECT DISTINCT sha256 FROM artifacts WHERE run_id IN (SELECT json_array_elements_text($1::text::json))',
    [JSON.stringify(ids)],
  );
  const sound = new Set<string>();
  for (const { sha256 } of rows) {
    const found = await fileSha256(files.pathOf(sha256)).catch(() => undefined);
    if (found === sha256) sound.add(sha256);
  }
  return { sound, missing: rows.length - sound.size };
}

const mtime = new Date(0);

function addBytes(archive: Pack, name: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry = archive.entry({ name, size: bytes.length, mtime }, (error) => (error ? reject(error) : resolve()));
    entry.end(bytes);
  });
}

async function addFile(archive: Pack, name: string, path: string): Promise<void> {
  try {
    const { size } = await stat(path);
    await pipeline(createReadStream(path), archive.entry({ name, size, mtime }));
  } catch (cause) {
    throw failedError(`${path} changed while it was exported`, { hint: 'Try again.', cause });
  }
}

/** Experiments with those of their runs that are written: twins that runs need belong to them, or nobody would do them. */
async function experimentsOf(
  store: Store,
  { experiments }: ExportWishes,
  ids: ReadonlySet<string>,
): Promise<ArchivedExperiment[]> {
  type Row = { name: string; spec_text: string; resolved: unknown; created_at: Date; updated_at: Date; runs: string[] };
  const rows = await store.database.query<Row>(
    `SELECT x.name, x.spec_text, x.resolved, x.created_at, x.updated_at,
       coalesce((SELECT json_agg(e.run_id ORDER BY e.position) FROM experiment_runs e WHERE e.experiment = x.name), '[]') AS runs
     FROM experiments x
     WHERE $1::text IS NULL OR x.name IN (SELECT json_array_elements_text($1::text::json))
     ORDER BY x.created_at, x.name COLLATE "C"`,
    [experiments === undefined ? null : JSON.stringify(experiments)],
  );
  return rows.map((row) => ({
    ...{ name: row.name, specText: row.spec_text, resolved: row.resolved },
    ...{ createdAt: row.created_at.toISOString(), updatedAt: row.updated_at.toISOString() },
    runs: row.runs.filter((id) => ids.has(id)),
  }));
}

/** Ids of the runs, in the order in which they were planned, those that others need along with them. */
async function idsOf(store: Store, { experiments, only }: ExportWishes): Promise<string[]> {
  const rows = await store.database.query<{ run_id: string }>(
    `WITH RECURSIVE wanted AS (
       SELECT r.run_id, r.twin_id FROM runs r
       WHERE ($1::text IS NULL OR EXISTS (
           SELECT FROM experiment_runs e WHERE e.run_id = r.run_id
             AND e.experiment IN (SELECT json_array_elements_text($1::text::json))))
         AND ($2::text IS NULL OR r.run_id IN (SELECT json_array_elements_text($2::text::json)))
       UNION
       SELECT r.run_id, r.twin_id FROM runs r JOIN wanted w ON r.run_id = w.twin_id
     )
     SELECT r.run_id FROM runs r JOIN wanted w USING (run_id) ORDER BY r.place`,
    [
      experiments === undefined ? null : JSON.stringify(experiments),
      only === undefined ? null : JSON.stringify([...only]),
    ],
  );
  return rows.map((row) => row.run_id);
}

interface Row extends Omit<RunRow, 'defense'> {
  keep_weights: 'failed' | 'all' | null;
  worker: string | null;
  defense: DefenseRow | null;
  artifacts: ArchivedRun['artifacts'] | null;
}

/** Runs by id, in the order of the ids, as they stand in archives. */
export async function readRuns(store: Store, ids: readonly string[]): Promise<ArchivedRun[]> {
  const rows = await store.database.query<Row>(
    `SELECT r.*, (SELECT row_to_json(d) FROM defenses d WHERE d.run_id = r.run_id) AS defense,
       (SELECT json_agg(json_build_object('kind', a.kind, 'sha256', a.sha256, 'bytes', a.bytes) ORDER BY a.kind COLLATE "C")
        FROM artifacts a WHERE a.run_id = r.run_id) AS artifacts
     FROM ROWS FROM (json_array_elements_text($1::text::json)) WITH ORDINALITY AS i(run_id, n)
     JOIN runs r ON r.run_id = i.run_id ORDER BY i.n`,
    [JSON.stringify(ids)],
  );
  return rows.map((row) => {
    const done = row.status === 'done';
    const ended = done || row.status === 'failed' || row.status === 'skipped';
    const numbers = Object.entries(METRIC_COLUMNS).map(([name, column]) => [name, encodeExact(row[column])]);
    return {
      ...{ runId: row.run_id, needs: row.twin_id, keepWeights: row.keep_weights, spec: row.spec },
      // Whoever is at work on it is at work in this store.
      status: row.status === 'running' ? 'pending' : row.status,
      metrics: done ? Object.fromEntries(numbers) : null,
      // Words in the place of some numbers: the schema of archives reads them back.
      epochLosses: done ? ((row.epoch_losses ?? []).map(encodeExact) as number[]) : null,
      environment: done ? (row.environment as RunEnvironment & Record<string, unknown>) : null,
      error: ended && !done ? row.error : null,
      worker: done ? row.worker : null,
      startedAt: ended ? (row.started_at?.toISOString() ?? null) : null,
      finishedAt: ended ? (row.finished_at?.toISOString() ?? null) : null,
      defense: done && row.defense ? withPlainParts(defenseOf(row.defense)) : null,
      artifacts: row.artifacts ?? [],
    };
  });
}

function withPlainParts({ metrics, details, cost }: ReturnType<typeof defenseOf>): NonNullable<ArchivedRun['defense']> {
  return { metrics: { ...metrics }, details: { ...details }, cost };
}
