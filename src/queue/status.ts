// How a sweep stands: what is done, who is at work, how fast it goes and how long it will take.
import type { Database } from '../store/database.ts';

export interface WorkerStatus {
  readonly worker: string;
  readonly host: string;
  readonly pid: number;
  readonly slots: number;
  readonly threads: number;
  /** Runs that it has done. */
  readonly done: number;
  /** Seconds since it was last heard of. */
  readonly silentSeconds: number;
  readonly running: readonly RunningRun[];
}

export interface RunningRun {
  readonly runId: string;
  /** In [0, 1]. */
  readonly progress: number;
  readonly attempt: number;
  readonly seconds: number;
}

export interface SweepStatus {
  readonly counts: Readonly<Record<'pending' | 'running' | 'done' | 'failed' | 'skipped', number>>;
  readonly total: number;
  /** Runs per hour over the last of them that were done; null before the second. */
  readonly runsPerHour: number | null;
  /** Null while it cannot be told. */
  readonly secondsLeft: number | null;
  /** Workers that have not ended. */
  readonly workers: readonly WorkerStatus[];
}

/** Runs that the throughput is taken from. */
const RECENT = 50;

interface CostRow {
  model: string;
  status: keyof SweepStatus['counts'];
  n: number;
  seconds: number | null;
  undone: number;
}

/** The state of an experiment, or of the whole store. */
export async function sweepStatus(db: Database, experiment?: string): Promise<SweepStatus> {
  const scope = [experiment ?? null];
  const mine = `EXISTS (SELECT FROM experiment_runs e WHERE e.run_id = r.run_id AND ($1::text IS NULL OR e.experiment = $1))`;
  const costs = await db.query<CostRow>(
    `SELECT r.model, r.status, count(*)::int AS n, avg(r.seconds) AS seconds, sum(1 - coalesce(r.progress, 0)) AS undone
     FROM runs r WHERE ${mine} GROUP BY 1, 2`,
    scope,
  );
  const counts = { pending: 0, running: 0, done: 0, failed: 0, skipped: 0 };
  for (const { status, n } of costs) counts[status] += n;
  const [recent] = await db.query<{ n: number; seconds: number | null }>(
    `SELECT count(*)::int AS n, extract(epoch FROM now() - min(finished_at))::float8 AS seconds
     FROM (SELECT r.finished_at FROM runs r WHERE r.status = 'done' AND ${mine}
           ORDER BY r.finished_at DESC LIMIT ${RECENT}) f`,
    scope,
  );
  const workers = await liveWorkers(db);
  return {
    counts,
    total: Object.values(counts).reduce((sum, n) => sum + n, 0),
    runsPerHour: recent.n > 1 && recent.seconds ? (3600 * (recent.n - 1)) / recent.seconds : null,
    secondsLeft: secondsLeft(costs, workers),
    workers,
  };
}

/** Work that is left, by what runs of the same model took, over the slots that are there to do it. */
function secondsLeft(costs: readonly CostRow[], workers: readonly WorkerStatus[]): number | null {
  const left = costs.filter(({ status }) => status === 'pending' || status === 'running');
  if (left.length === 0) return 0;
  const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
  const done = costs.filter(({ status }) => status === 'done');
  const runs = done.reduce((sum, { n }) => sum + n, 0);
  if (runs === 0 || slots === 0) return null;
  const mean = done.reduce((sum, { n, seconds }) => sum + n * (seconds ?? 0), 0) / runs;
  const of = new Map(done.map(({ model, seconds }) => [model, seconds ?? mean]));
  const work = left.reduce((sum, { model, undone }) => sum + undone * (of.get(model) ?? mean), 0);
  const most = left.reduce((sum, { n }) => sum + n, 0);
  return work / Math.min(slots, most);
}

async function liveWorkers(db: Database): Promise<WorkerStatus[]> {
  type Row = Omit<WorkerStatus, 'running'> & { running: RunningRun[] | null };
  const rows = await db.query<Row>(
    `SELECT w.worker, w.host, w.pid, w.slots, w.threads,
       extract(epoch FROM now() - w.seen_at)::float8 AS "silentSeconds",
       (SELECT count(*)::int FROM runs r WHERE r.worker = w.worker AND r.status = 'done') AS done,
       (SELECT json_agg(json_build_object('runId', r.run_id, 'progress', r.progress, 'attempt', r.attempts,
                'seconds', extract(epoch FROM now() - r.started_at)) ORDER BY r.started_at)
        FROM runs r WHERE r.worker = w.worker AND r.status = 'running') AS running
     FROM workers w WHERE w.ended_at IS NULL ORDER BY w.started_at, w.worker`,
  );
  return rows.map((row) => ({ ...row, running: row.running ?? [] }));
}
