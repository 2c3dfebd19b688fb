// The queue is the table `runs`: workers claim pending runs by locking their rows, hold them by a lease that they renew, and
// lose them when they fall silent. Times are the database's own: the clocks of workers play no part.
import type { KeepWeights, PlannedRun, RunSpec } from '../spec/run-spec.ts';
import { type Database, sqlText } from '../store/database.ts';
import { RunLog } from './run-log.ts';

export interface WorkerInfo {
  /** Names this worker among all that ever used the store. */
  readonly worker: string;
  readonly host: string;
  readonly pid: number;
  /** Runs at the same time. */
  readonly slots: number;
  /** Threads of each. */
  readonly threads: number;
}

export interface QueueSettings {
  /** A worker that is silent for so long loses its runs. Default 60 s. */
  readonly leaseSeconds?: number;
  /** How often a run is tried before it is set aside. Default 3. */
  readonly attempts?: number;
}

export interface ClaimedRun extends PlannedRun {
  /** From 1. */
  readonly attempt: number;
}

/** Leases that end later than this are the work of a clock that was wrong. */
const LONGEST_LEASE = '1 hour';

/** The columns of a run that nobody holds. */
const FREE = 'lease_until = NULL, progress = NULL';

export class RunQueue {
  readonly worker: string;
  readonly log: RunLog;
  readonly leaseSeconds: number;
  readonly #db: Database;
  readonly #info: WorkerInfo;
  readonly #attempts: number;

  constructor(db: Database, info: WorkerInfo, { leaseSeconds = 60, attempts = 3 }: QueueSettings = {}) {
    this.#db = db;
    this.#info = info;
    this.worker = info.worker;
    this.leaseSeconds = leaseSeconds;
    this.#attempts = attempts;
    this.log = new RunLog(db, info.worker);
  }

  /** Puts this worker on the list that `status` shows. */
  async join(): Promise<void> {
    const { worker, host, pid, slots, threads } = this.#info;
    await this.#db.query(
      `INSERT INTO workers (worker, host, pid, slots, threads, started_at, seen_at)
       VALUES ($1, $2, $3::int, $4::int, $5::int, now(), now()) ON CONFLICT (worker) DO NOTHING`,
      [worker, host, pid, slots, threads],
    );
  }

  /** Says that this worker has ended. */
  async leave(): Promise<void> {
    await this.log.flush();
    await this.#db.query('UPDATE workers SET seen_at = now(), ended_at = now() WHERE worker = $1', [this.worker]);
  }

  /**
   * Takes the next run that can be done now: clean twins first, what was tried before last, else as planned; a poisoned run
   * waits for its twin, a defended one for its base. Undefined when there is none at present. `experiment` narrows the choice.
   */
  async claim(experiment?: string): Promise<ClaimedRun | undefined> {
    type Row = {
      run_id: string;
      twin_id: string | null;
      spec: RunSpec;
      attempts: number;
      keep_weights: KeepWeights | null;
    };
    const [row] = await this.#db.query<Row>(
      `UPDATE runs SET status = 'running', worker = $1, attempts = attempts + 1, started_at = now(), finished_at = NULL,
         lease_until = now() + $2::float8 * interval '1 second', progress = 0
       WHERE run_id = (
         SELECT r.run_id FROM runs r
         WHERE r.status = 'pending' AND r.attempts < $3::int
           -- As values, these are looked up run by run in the order of the queue: no plan can begin with all of them.
           AND (r.twin_id IS NULL OR (SELECT t.status FROM runs t WHERE t.run_id = r.twin_id) = 'done')
           AND (SELECT e.run_id FROM experiment_runs e
                WHERE e.run_id = r.run_id AND ($4::text IS NULL OR e.experiment = $4) LIMIT 1) IS NOT NULL
         ORDER BY r.twin_id IS NOT NULL, r.attempts > 0, r.place
         LIMIT 1 FOR UPDATE OF r SKIP LOCKED)
       RETURNING run_id, twin_id, spec, attempts, keep_weights`,
      [this.worker, this.leaseSeconds, this.#attempts, experiment ?? null],
    );
    if (!row) return undefined;
    this.log.note(row.run_id, 'claimed', { attempt: row.attempts });
    const { run_id: runId, spec, attempts: attempt, twin_id: before, keep_weights: keepWeights } = row;
    const run = { runId, spec, attempt, ...(keepWeights && { keepWeights }) };
    if (before === null) return run;
    return spec.defense === undefined ? { ...run, twinId: before } : { ...run, baseId: before };
  }

  /**
   * Renews the leases of the runs in hand, told with the share of each that is done, and writes the log.
   * @returns the ids that are no longer this worker's: somebody took them for lost, or their results were removed.
   */
  async beat(inHand: ReadonlyMap<string, number>): Promise<string[]> {
    await this.#db.query('UPDATE workers SET seen_at = now(), ended_at = NULL WHERE worker = $1', [this.worker]);
    await this.log.flush();
    if (inHand.size === 0) return [];
    const held = await this.#db.query<{ run_id: string }>(
      `UPDATE runs r SET lease_until = now() + $2::float8 * interval '1 second', progress = h.value::float8
       FROM json_each_text($3::text::json) AS h
       WHERE r.run_id = h.key AND r.worker = $1 AND r.status = 'running' RETURNING r.run_id`,
      [this.worker, this.leaseSeconds, JSON.stringify(Object.fromEntries(inHand))],
    );
    const kept = new Set(held.map((row) => row.run_id));
    return [...inHand.keys()].filter((id) => !kept.has(id));
  }

  /** Gives a run in hand back untried, as when a worker is told to stop. */
  async handBack(runId: string): Promise<void> {
    this.log.note(runId, 'handed back');
    await this.#letGo(runId, `status = 'pending', started_at = NULL, attempts = attempts - 1, ${FREE}`);
  }

  /**
   * Records why a run in hand failed. With `again` it is tried again until it has had its attempts.
   * @returns whether it will be.
   */
  async fail(runId: string, error: string, again: boolean): Promise<boolean> {
    this.log.note(runId, 'failed', { error });
    const [row] = await this.#letGo(
      runId,
      `status = CASE WHEN $3::boolean AND attempts < $4::int THEN 'pending' ELSE 'failed' END,
       error = $5, finished_at = now(), ${FREE}`,
      [again, this.#attempts, sqlText(error)],
    );
    return row?.status === 'pending';
  }

  /** Records why a run in hand could not be tried. */
  async skip(runId: string, reason: string): Promise<void> {
    this.log.note(runId, 'skipped', { reason });
    await this.#letGo(
      runId,
      `status = 'skipped', error = $3, finished_at = now(), started_at = NULL,
      attempts = attempts - 1, ${FREE}`,
      [sqlText(reason)],
    );
  }

  /**
   * What no single worker answers for: runs whose worker fell silent become pending again, those that have had their
   * attempts are set aside, and those whose clean twin or base failed are skipped. Runs `inHand` are this worker's, whatever
   * a clock that jumped says of their leases.
   */
  async tidy(inHand: readonly string[] = []): Promise<void> {
    const lost = await this.#db.query<{ run_id: string; worker: string | null }>(
      `UPDATE runs SET status = 'pending', started_at = NULL, ${FREE}
       WHERE run_id IN (SELECT run_id FROM runs WHERE status = 'running'
                          AND NOT (worker = $1 AND run_id IN (SELECT json_array_elements_text($2::text::json)))
                          AND (lease_until IS NULL OR lease_until < now() OR lease_until > now() + interval '${LONGEST_LEASE}')
                        FOR UPDATE SKIP LOCKED)
       RETURNING run_id, worker`,
      [this.worker, JSON.stringify(inHand)],
    );
    for (const { run_id, worker } of lost) this.log.note(run_id, 'lost', { worker });
    await this.#db.query(
      `UPDATE runs SET status = 'failed', finished_at = now(),
         error = 'set aside after ' || attempts || ' attempts: ' || coalesce(error, 'the process doing it ended each time without a word')
       WHERE run_id IN (SELECT run_id FROM runs WHERE status = 'pending' AND attempts >= $1::int FOR UPDATE SKIP LOCKED)`,
      [this.#attempts],
    );
    await this.#db.query(
      `UPDATE runs r SET status = 'skipped', finished_at = now(), error = s.said
       FROM (SELECT p.run_id, CASE WHEN p.spec->'defense' IS NULL THEN 'its clean twin ' ELSE 'its base ' END || coalesce(p.twin_id || ' is ' || t.status || coalesce(': ' || t.error, ''), p.twin_id || ' is gone') AS said
             FROM runs p LEFT JOIN runs t ON t.run_id = p.twin_id
             WHERE p.status = 'pending' AND p.twin_id IS NOT NULL AND (t.run_id IS NULL OR t.status IN ('failed', 'skipped'))
             FOR UPDATE OF p SKIP LOCKED) s
       WHERE r.run_id = s.run_id`,
    );
  }

  /** How many runs of an experiment, or of all, have no outcome yet. */
  async unfinished(experiment?: string): Promise<{ pending: number; running: number }> {
    const [row] = await this.#db.query<{ pending: number; running: number }>(
      `SELECT (count(*) FILTER (WHERE r.status = 'pending'))::int AS pending,
              (count(*) FILTER (WHERE r.status = 'running'))::int AS running
       FROM runs r WHERE r.status IN ('pending', 'running')
         AND EXISTS (SELECT FROM experiment_runs e WHERE e.run_id = r.run_id AND ($1::text IS NULL OR e.experiment = $1))`,
      [experiment ?? null],
    );
    return row;
  }

  #letGo(runId: string, assignments: string, parameters: (string | number | boolean)[] = []) {
    return this.#db.query<{ status: string }>(
      `UPDATE runs SET ${assignments} WHERE run_id = $1 AND worker = $2 AND status = 'running' RETURNING status`,
      [runId, this.worker, ...parameters],
    );
  }
}
