// Rows of the table `defenses` and what they stand for.
import type { Database } from './database.ts';
import type { DefenseOutcome } from './records.ts';

export interface DefenseRow {
  metrics: DefenseOutcome['metrics'];
  details: object;
  seconds: number;
  forward_passes: number;
  backward_passes: number;
}

export function defenseOf({ metrics, details, seconds, ...passes }: DefenseRow): DefenseOutcome {
  const { forward_passes: forwardPasses, backward_passes: backwardPasses } = passes;
  return { metrics, details, cost: { seconds, forwardPasses, backwardPasses } };
}

/** Records what a defended run found; it has no row yet, or an old one of a result that was removed. */
export async function insertDefense(
  db: Pick<Database, 'query'>,
  runId: string,
  { metrics, details, cost }: DefenseOutcome,
): Promise<void> {
  await db.query(
    `INSERT INTO defenses (run_id, metrics, details, seconds, forward_passes, backward_passes)
     VALUES ($1, $2::text::json, $3::text::json, $4::float8, $5::float8, $6::float8)
     ON CONFLICT (run_id) DO UPDATE
     SET metrics = excluded.metrics, details = excluded.details, seconds = excluded.seconds,
         forward_passes = excluded.forward_passes, backward_passes = excluded.backward_passes`,
    [runId, JSON.stringify(metrics), JSON.stringify(details), cost.seconds, cost.forwardPasses, cost.backwardPasses],
  );
}
