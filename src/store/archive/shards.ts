// Shards: the pending runs of an experiment dealt out to archives, for nodes that cannot reach the database.
import { inputError } from '../../core/errors.ts';
import type { Store } from '../store.ts';
import { type Exported, exportStore } from './export-store.ts';

/**
 * Writes the pending runs of an experiment to as many archives, each with the clean twins and bases that its runs need: with their results
 * where they are done, to be done there as well where not. Runs with one twin stay together as far as the shards' equal sizes allow.
 * @returns what each holds. @throws TriggerlabError (input) when nothing is pending, or less than there are shards.
 */
export async function exportShards(
  store: Store,
  experiment: string,
  paths: readonly string[],
): Promise<readonly (Exported & { readonly path: string; readonly pending: number })[]> {
  await store.getExperiment(experiment);
  const rows = await store.database.query<{ run_id: string }>(
    `SELECT r.run_id FROM experiment_runs p JOIN runs r USING (run_id)
     WHERE p.experiment = $1 AND r.status = 'pending' AND NOT EXISTS (
       SELECT FROM experiment_runs q JOIN runs o ON o.run_id = q.run_id
       WHERE q.experiment = $1 AND o.status = 'pending' AND o.twin_id = r.run_id)
     ORDER BY coalesce(r.twin_id, r.run_id) COLLATE "C", p.position`,
    [experiment],
  );
  if (rows.length < paths.length) {
    throw inputError(
      `${experiment} has ${rows.length} pending runs to deal out, ${paths.length} shards were asked for`,
      {
        hint: 'triggerlab status tells what is done and what failed; triggerlab retry --failed makes failed runs pending.',
      },
    );
  }
  const written: (Exported & { path: string; pending: number })[] = [];
  for (const [i, path] of paths.entries()) {
    const bound = (at: number) => Math.round((at * rows.length) / paths.length);
    const only = new Set(rows.slice(bound(i), bound(i + 1)).map((row) => row.run_id));
    const exported = await exportStore(store, path, { experiments: [experiment], only, shard: true });
    written.push({ ...exported, path, pending: exported.runs - exported.done });
  }
  return written;
}
