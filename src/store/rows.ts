// Rows of the table `runs` as records and back.
import type { RunSpec } from '../spec/run-spec.ts';
import { type Database, float8Array } from './database.ts';
import type { DefenseRecord, RunEnvironment, RunMetrics, RunRecord, RunStatus } from './records.ts';

/** The column of every metric that is one number. */
export const METRIC_COLUMNS = {
  cleanAccuracy: 'clean_accuracy',
  asr: 'asr',
  asrInclusive: 'asr_inclusive',
  falseTriggerRate: 'false_trigger_rate',
  cleanBaselineAccuracy: 'clean_baseline_accuracy',
  cad: 'cad',
  naturalAsr: 'natural_asr',
  effectivePixels: 'effective_pixels',
  stealthImages: 'stealth_images',
  stealthLinf: 'stealth_linf',
  stealthL2: 'stealth_l2',
  stealthPsnr: 'stealth_psnr',
  stealthSsim: 'stealth_ssim',
  stealthPerceptual: 'stealth_perceptual',
  testImages: 'test_images',
  attackedImages: 'attacked_images',
  epochs: 'epochs',
  seconds: 'seconds',
  imagesPerSecond: 'images_per_second',
} as const satisfies Record<Exclude<keyof RunMetrics, 'epochLosses'>, string>;

type MetricColumn = (typeof METRIC_COLUMNS)[keyof typeof METRIC_COLUMNS];

export interface RunRow extends Record<MetricColumn, number | null> {
  run_id: string;
  /** The run that has to be done before: the clean twin, or the base of a defended run. */
  twin_id: string | null;
  defense: DefenseRecord | null;
  spec: RunSpec;
  status: RunStatus;
  epoch_losses: number[] | null;
  environment: RunEnvironment | null;
  error: string | null;
  started_at: Date | null;
  finished_at: Date | null;
  experiments: string[];
}

/** What to select from `runs r` to get a RunRow. */
export const RUN_COLUMNS = `
  r.run_id, r.twin_id, r.spec, r.status, ${Object.values(METRIC_COLUMNS)
    .map((column) => `r.${column}`)
    .join(', ')},
  r.epoch_losses, r.environment, r.error, r.started_at, r.finished_at,
  coalesce((SELECT jsonb_agg(e.experiment ORDER BY e.experiment COLLATE "C")
            FROM experiment_runs e WHERE e.run_id = r.run_id), '[]') AS experiments,
  (SELECT json_build_object('metrics', d.metrics, 'cost', json_build_object(
            'seconds', d.seconds, 'forwardPasses', d.forward_passes, 'backwardPasses', d.backward_passes))
   FROM defenses d WHERE d.run_id = r.run_id) AS defense`;

/** The record that a row stands for. */
export function recordOf(row: RunRow): RunRecord {
  const defended = row.spec.defense !== undefined;
  return {
    runId: row.run_id,
    twinId: defended ? null : row.twin_id,
    baseId: defended ? row.twin_id : null,
    defense: row.status === 'done' ? row.defense : null,
    spec: row.spec,
    status: row.status,
    metrics: row.status === 'done' ? metricsOf(row) : null,
    environment: row.environment,
    // A run that is to be tried again still knows what went wrong the last time.
    error: row.status === 'failed' || row.status === 'skipped' ? row.error : null,
    experiments: row.experiments,
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

/** Metrics in the order of METRIC_COLUMNS. */
function metricValues(metrics: RunMetrics): (number | null)[] {
  return (Object.keys(METRIC_COLUMNS) as (keyof typeof METRIC_COLUMNS)[]).map((name) => metrics[name] ?? null);
}

/** Marks a run as done unless it is already. @returns whether that changed anything. */
export async function markDone(
  db: Pick<Database, 'query'>,
  runId: string,
  metrics: RunMetrics,
  environment: RunEnvironment,
  worker: string | null,
): Promise<boolean> {
  const columns = Object.values(METRIC_COLUMNS);
  const changed = await db.query(
    `UPDATE runs SET status = 'done', error = NULL, finished_at = now(), lease_until = NULL, progress = NULL,
       started_at = coalesce(started_at, now()), worker = $2, environment = $3::text::json,
       epoch_losses = $4::text::float8[], ${columns.map((column, at) => `${column} = $${at + 5}`).join(', ')}
     WHERE run_id = $1 AND status <> 'done' RETURNING run_id`,
    [...[runId, worker, JSON.stringify(environment), float8Array(metrics.epochLosses)], ...metricValues(metrics)],
  );
  return changed.length > 0;
}

function metricsOf(row: RunRow): RunMetrics {
  const numbers = Object.fromEntries(Object.entries(METRIC_COLUMNS).map(([name, column]) => [name, row[column]]));
  // The table's columns and the metrics' types are one list: METRIC_COLUMNS.
  return { ...(numbers as unknown as Omit<RunMetrics, 'epochLosses'>), epochLosses: row.epoch_losses ?? [] };
}
