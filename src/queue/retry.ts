// Runs that failed: what they failed of, and how they are given another try.
import type { Database } from '../store/database.ts';

export interface FailureGroup {
  /** The error with what differs from run to run taken out: numbers, ids, paths in temporary folders. */
  readonly error: string;
  readonly runs: number;
  /** Ids of some of them. */
  readonly examples: readonly string[];
}

const EXAMPLES = 3;

/** Failed runs by what went wrong, the most frequent first. */
export async function failureGroups(db: Database, experiment?: string): Promise<FailureGroup[]> {
  const rows = await db.query<{ run_id: string; error: string | null }>(
    `SELECT r.run_id, r.error FROM runs r
     WHERE r.status = 'failed'
       AND ($1::text IS NULL OR EXISTS (SELECT FROM experiment_runs e WHERE e.run_id = r.run_id AND e.experiment = $1))
     ORDER BY r.place`,
    [experiment ?? null],
  );
  const groups = new Map<string, string[]>();
  for (const { run_id, error } of rows) {
    const gist = gistOf(error ?? 'no reason was recorded');
    groups.set(gist, [...(groups.get(gist) ?? []), run_id]);
  }
  return [...groups]
    .map(([error, ids]) => ({ error, runs: ids.length, examples: ids.slice(0, EXAMPLES) }))
    .sort((a, b) => b.runs - a.runs);
}

/** An error's first line without what tells one run from another. */
export function gistOf(error: string): string {
  return error
    .split('\n', 1)[0]
    .replace(/\b[0-9a-f]{16,}\b/g, '…')
    .replace(/(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?(?![\w.]*\w)/gi, '#');
}

export interface RetryChoice {
  readonly experiment?: string | undefined;
  /** Ids of runs; undefined: all of the choice. */
  readonly ids?: readonly string[] | undefined;
  /** Runs with no more attempts than this. Default: all. */
  readonly attemptsBelow?: number | undefined;
  /** Whether the count of attempts begins anew. */
  readonly anew: boolean;
}

/** Makes failed runs pending, and with them those that were skipped for want of their clean twin or base. @returns how many. */
export async function retryFailed(db: Database, choice: RetryChoice): Promise<number> {
  return db.transaction(async (tx) => {
    const again = await tx.query<{ run_id: string }>(
      `UPDATE runs r SET status = 'pending', error = NULL, started_at = NULL, finished_at = NULL,
         attempts = CASE WHEN $1::boolean THEN 0 ELSE attempts END
       WHERE r.status = 'failed' AND r.attempts < $2::int
         AND ($3::text IS NULL OR EXISTS (SELECT FROM experiment_runs e WHERE e.run_id = r.run_id AND e.experiment = $3))
         AND ($4::text IS NULL OR r.run_id IN (SELECT json_array_elements_text($4::text::json)))
       RETURNING r.run_id`,
      [
        choice.anew,
        choice.attemptsBelow ?? 2 ** 31 - 1,
        choice.experiment ?? null,
        choice.ids ? JSON.stringify(choice.ids) : null,
      ],
    );
    let retried = again.length;
    // A defended run may wait for a run that waits itself.
    for (let more = 1; more > 0; retried += more) more = await retrySkipped(tx, choice.experiment);
    return retried;
  });
}

/** Makes runs pending that were skipped for want of one that is to be done or is done by now. @returns how many. */
async function retrySkipped(tx: Pick<Database, 'query'>, experiment: string | undefined): Promise<number> {
  const waiting = await tx.query<{ run_id: string }>(
    `UPDATE runs r SET status = 'pending', error = NULL, finished_at = NULL
     FROM runs t WHERE r.status = 'skipped' AND t.run_id = r.twin_id AND t.status IN ('pending', 'running', 'done')
       AND ($1::text IS NULL OR EXISTS (SELECT FROM experiment_runs e WHERE e.run_id = r.run_id AND e.experiment = $1))
     RETURNING r.run_id`,
    [experiment ?? null],
  );
  return waiting.length;
}
