// Files that processes which were killed left beside a store: half-written ones, and checkpoints that are of no more use.
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeAbandoned } from '../core/files.ts';
import type { Store } from '../store/store.ts';

const SUFFIX = '.safetensors';

const checkpoints = ({ artifactDirectory }: Store) => join(artifactDirectory, 'checkpoints');

/** Where a run's checkpoint lies, if it has one. */
export function checkpointPath(store: Store, runId: string): string {
  return join(checkpoints(store), `${runId}${SUFFIX}`);
}

/** Removes what nobody will use; files of processes that live, and checkpoints of other stores' runs, stay. */
export async function removeLeftovers(store: Store): Promise<void> {
  const { artifactDirectory } = store;
  if (!existsSync(artifactDirectory)) return;
  for (const entry of readdirSync(artifactDirectory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeAbandoned(join(artifactDirectory, entry.name));
  }
  if (!existsSync(checkpoints(store))) return;
  const ids = readdirSync(checkpoints(store))
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length));
  const ended = await store.database.query<{ run_id: string }>(
    `SELECT run_id FROM runs WHERE status IN ('done', 'failed', 'skipped')
     AND run_id IN (SELECT json_array_elements_text($1::text::json))`,
    [JSON.stringify(ids)],
  );
  for (const { run_id } of ended) await rm(checkpointPath(store, run_id), { force: true });
}
