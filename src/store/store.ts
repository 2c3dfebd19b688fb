// The store: experiments, their runs and what these measured. Every method is one statement or one transaction.
import { failedError, inputError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import type { PlannedRun } from '../spec/run-spec.ts';
import type { ArtifactFiles } from './artifact-files.ts';
import { type Database, sqlText } from './database.ts';
import { type DefenseRow, defenseOf, insertDefense } from './defense-rows.ts';
import { ExternalResults } from './external.ts';
import type {
  DefenseOutcome,
  ExperimentSummary,
  RunEnvironment,
  RunMetrics,
  RunRecord,
  RunStatus,
  StoredExperiment,
} from './records.ts';
import { METRIC_COLUMNS, markDone, RUN_COLUMNS, type RunRow, recordOf } from './rows.ts';
import { RunArtifacts } from './run-artifacts.ts';
import { Selection } from './selection.ts';
import type { Condition } from './where.ts';

export interface StoreParts {
  readonly db: Database;
  readonly artifacts: ArtifactFiles;
  /** Whether files may lie on other machines, so that to miss one is nothing to warn about. */
  readonly artifactsElsewhere?: boolean;
  /** What messages call the store. */
  readonly location: string;
  readonly warn: (message: string) => void;
  readonly close: () => Promise<void>;
}

export class Store {
  /** What messages call the store: its directory, or the server without its password. */
  readonly location: string;
  /** Published results that were imported. */
  readonly external: ExternalResults;
  /** For the queue, which keeps the same tables. */
  readonly database: Database;
  /** Directory of the files that belong to runs. */
  readonly artifactDirectory: string;
  readonly #artifacts: RunArtifacts;
  readonly #close: () => Promise<void>;

  constructor(parts: StoreParts) {
    this.location = parts.location;
    this.external = new ExternalResults(parts.db, parts.location);
    this.database = parts.db;
    this.artifactDirectory = parts.artifacts.directory;
    this.#artifacts = new RunArtifacts(parts.db, parts.artifacts, parts.warn, parts.artifactsElsewhere);
    this.#close = parts.close;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /**
   * Records an experiment and its runs, in their order. Planning it again replaces its text and its list of runs; a run
   * that the store knows, from this experiment or another, keeps its status and result.
   */
  async recordExperiment(
    name: string,
    specText: string,
    resolved: unknown,
    runs: readonly PlannedRun[],
  ): Promise<void> {
    const planned = JSON.stringify(
      runs.map(({ runId, spec, twinId, baseId, keepWeights }) => ({
        run_id: runId,
        twin_id: baseId ?? twinId ?? null,
        keep_weights: keepWeights ?? null,
        spec,
      })),
    );
    await this.database.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO experiments (name, spec_text, resolved, created_at, updated_at)
         VALUES ($1, $2, $3::text::json, $4::text::timestamptz, $4::text::timestamptz)
         ON CONFLICT (name) DO UPDATE
         SET spec_text = excluded.spec_text, resolved = excluded.resolved, updated_at = excluded.updated_at`,
        [name, sqlText(specText), JSON.stringify(resolved ?? null), now()],
      );
      await tx.query(
        `INSERT INTO runs (run_id, twin_id, keep_weights, spec, created_at)
         SELECT p.run_id, p.twin_id, p.keep_weights, p.spec, $2::text::timestamptz
         FROM ROWS FROM (json_to_recordset($1::text::json) AS (run_id text, twin_id text, keep_weights text, spec json))
           WITH ORDINALITY AS p(run_id, twin_id, keep_weights, spec, position)
         ORDER BY p.position
         -- The same run may name its files by other paths now; of two wishes about its weights the larger counts.
         ON CONFLICT (run_id) DO UPDATE
         SET spec = excluded.spec,
             keep_weights = CASE WHEN runs.keep_weights = 'all' THEN 'all' ELSE coalesce(excluded.keep_weights, runs.keep_weights) END
         WHERE runs.spec::text <> excluded.spec::text OR excluded.keep_weights IS NOT NULL`,
        [planned, now()],
      );
      await tx.query('DELETE FROM experiment_runs WHERE experiment = $1', [name]);
      await tx.query(
        `INSERT INTO experiment_runs (experiment, run_id, position)
         SELECT $1::text, p.run->>'run_id', p.position::int
         FROM json_array_elements($2::text::json) WITH ORDINALITY AS p(run, position)
         ON CONFLICT DO NOTHING`,
        [name, planned],
      );
    });
    // Without statistics the database takes the table for empty, and claims then sort all of it (50 ms for 3000 runs, not 1).
    await this.database.exec('ANALYZE runs, experiment_runs');
  }

  /**
   * Records a result, that of a defended run with what the defence found. The first one stays: recording another for the same run
   * changes nothing.
   */
  async recordDone(
    runId: string,
    metrics: RunMetrics,
    environment: RunEnvironment,
    worker: string | null = null,
    defense?: DefenseOutcome,
  ): Promise<void> {
    const changed = await this.database.transaction(async (tx) => {
      const known = await markDone(tx, runId, metrics, environment, worker);
      if (known && defense) await insertDefense(tx, runId, defense);
      return known;
    });
    if (!changed) await this.#mustExist(runId);
  }

  /** What a defended run found, with its details; undefined for any other run, and while it is not done. */
  async getDefense(runId: string): Promise<DefenseOutcome | undefined> {
    const [row] = await this.database.query<DefenseRow>('SELECT * FROM defenses WHERE run_id = $1', [runId]);
    return row && defenseOf(row);
  }

  /**
   * The runs of an experiment as planned, or of the whole store as first planned.
   * @throws TriggerlabError (input) for an experiment that the store does not know.
   */
  async select(experiment?: string): Promise<Selection> {
    if (experiment !== undefined) await this.getExperiment(experiment);
    return new Selection(this.database, experiment);
  }

  /** All of these runs in memory; `where` keeps those that match all fields. */
  async listRuns(options: { experiment?: string; where?: readonly Condition[] } = {}): Promise<RunRecord[]> {
    const selection = await this.select(options.experiment);
    return (await selection.where(options.where ?? [])).runs();
  }

  /**
   * The run with this id, or the only one whose id begins so.
   * @throws TriggerlabError (input) when there is none or more than one.
   */
  async getRun(idOrPrefix: string): Promise<RunRecord> {
    const rows = await this.database.query<RunRow>(
      `SELECT ${RUN_COLUMNS} FROM runs r WHERE $1 <> '' AND left(r.run_id, length($1)) = $1
       ORDER BY r.run_id <> $1, r.run_id COLLATE "C" LIMIT 12`,
      [idOrPrefix],
    );
    const [first] = rows;
    if (!first) {
      throw inputError(`no run "${idOrPrefix}" in the store at ${this.location}`, {
        hint: '`triggerlab results` lists the runs with their ids; the first characters are enough.',
      });
    }
    if (rows.length > 1 && first.run_id !== idOrPrefix) {
      const shown = rows.slice(0, 10).map((row) => row.run_id);
      throw inputError(`"${idOrPrefix}" is the beginning of more than one run id`, {
        hint: `Give more characters: ${shown.join(', ')}${rows.length > shown.length ? ', …' : ''}.`,
      });
    }
    return recordOf(first);
  }

  /** All experiments, oldest first, with how many of their runs are where. */
  async listExperiments(): Promise<ExperimentSummary[]> {
    type Row = { name: string; created_at: Date; updated_at: Date; counts: Partial<Record<RunStatus, number>> | null };
    const rows = await this.database.query<Row>(
      `SELECT x.name, x.created_at, x.updated_at,
         (SELECT jsonb_object_agg(c.status, c.n) FROM (
            SELECT r.status, count(*)::int AS n FROM experiment_runs e JOIN runs r USING (run_id)
            WHERE e.experiment = x.name GROUP BY r.status) c) AS counts
       FROM experiments x ORDER BY x.created_at, x.name COLLATE "C"`,
    );
    return rows.map((row) => {
      const counts = { pending: 0, running: 0, done: 0, failed: 0, skipped: 0, ...row.counts };
      return {
        name: row.name,
        createdAt: row.created_at.toISOString(),
        updatedAt: row.updated_at.toISOString(),
        total: Object.values(counts).reduce((sum, n) => sum + n, 0),
        counts,
      };
    });
  }

  /** @throws TriggerlabError (input) for a name that the store does not know. */
  async getExperiment(name: string): Promise<StoredExperiment> {
    const [row] = await this.database.query<{ spec_text: string; resolved: unknown }>(
      'SELECT spec_text, resolved FROM experiments WHERE name = $1',
      [name],
    );
    if (row) return { name, specText: row.spec_text, resolved: row.resolved };
    const known = await this.database.query<{ name: string }>('SELECT name FROM experiments ORDER BY name COLLATE "C"');
    throw inputError(`no experiment "${name}" in the store at ${this.location}`, {
      hint:
        known.length > 0
          ? didYouMean(
              name,
              known.map((experiment) => experiment.name),
            )
          : 'The store is empty: run an experiment first, for example `triggerlab run suites/quick.yaml`.',
    });
  }

  /**
   * Removes results with their artifacts. Runs that an experiment plans become pending again; others go altogether.
   * @returns how many runs of these ids there were.
   */
  async removeRuns(ids: readonly string[]): Promise<number> {
    const list = [JSON.stringify(ids)];
    const chosen = 'run_id IN (SELECT jsonb_array_elements_text($1::text::jsonb))';
    const { removed, hashes } = await this.database.transaction(async (tx) => {
      const hashes = await tx.query<{ sha256: string }>(`DELETE FROM artifacts WHERE ${chosen} RETURNING sha256`, list);
      const gone = await tx.query(
        `DELETE FROM runs r WHERE ${chosen} AND NOT EXISTS (SELECT FROM experiment_runs e WHERE e.run_id = r.run_id)
         RETURNING run_id`,
        list,
      );
      const cleared = [
        ...Object.values(METRIC_COLUMNS),
        'epoch_losses',
        'environment',
        'error',
        'started_at',
        'finished_at',
        'worker',
        'lease_until',
        'progress',
      ];
      await tx.query(`DELETE FROM defenses WHERE ${chosen}`, list);
      await tx.query(`DELETE FROM epochs WHERE ${chosen}`, list);
      await tx.query(`DELETE FROM run_events WHERE ${chosen}`, list);
      const reset = await tx.query(
        `UPDATE runs SET status = 'pending', attempts = 0, ${cleared.map((column) => `${column} = NULL`).join(', ')}
         WHERE ${chosen} RETURNING run_id`,
        list,
      );
      return { removed: gone.length + reset.length, hashes: hashes.map((row) => row.sha256) };
    });
    await this.#artifacts.removeUnused(hashes);
    return removed;
  }

  /** Keeps a file that belongs to a run, replacing one of the same kind. The file is whole before its row exists. */
  async putArtifact(runId: string, kind: string, bytes: Uint8Array): Promise<void> {
    await this.#mustExist(runId);
    await this.#artifacts.put(runId, kind, bytes);
  }

  /** A run's file of a kind; undefined when there is none, or (with a warning) when the file is missing or damaged. */
  getArtifact(runId: string, kind: string): Promise<Uint8Array | undefined> {
    return this.#artifacts.get(runId, kind);
  }

  /** The ids of an experiment's runs that have a file of a kind, in the order of the plan. */
  async runsWithArtifact(experiment: string, kind: string): Promise<string[]> {
    const rows = await this.database.query<{ run_id: string }>(
      `SELECT run_id FROM artifacts JOIN experiment_runs USING (run_id)
       WHERE experiment = $1 AND kind = $2 ORDER BY position`,
      [experiment, kind],
    );
    return rows.map((row) => row.run_id);
  }

  /** Makes runs that dead processes left running pending again. Only for who knows that nobody works on this store. */
  async forgetWorkers(): Promise<void> {
    await this.database.query(
      `UPDATE runs SET status = 'pending', started_at = NULL, lease_until = NULL, progress = NULL
       WHERE status = 'running'`,
    );
    await this.database.query('UPDATE workers SET ended_at = seen_at WHERE ended_at IS NULL');
  }

  async #mustExist(runId: string): Promise<void> {
    const [row] = await this.database.query('SELECT run_id FROM runs WHERE run_id = $1', [runId]);
    if (!row) {
      throw failedError(`run ${runId} is not in the store at ${this.location}`, {
        hint: 'It was removed meanwhile; running the experiment again plans it anew.',
      });
    }
  }
}

function now(): string {
  return new Date().toISOString();
}
