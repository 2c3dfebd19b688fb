// What a store keeps of a run that ended: its result, its files, its log.
import { readFile } from 'node:fs/promises';
import type { ClaimedRun, RunQueue } from '../queue/run-queue.ts';
import type { Store } from '../store/store.ts';
import type { Outcome } from './pool.ts';
import { TRAINED_ARTIFACT } from './twins.ts';

/** Kind of artifact that says which rows of a run were poisoned. */
export const POISON_ARTIFACT = 'poison';
/** Kind of artifact that holds the last checkpoint of a run that failed. */
export const CHECKPOINT_ARTIFACT = 'checkpoint';

/** Weights are kept of clean runs, which others are compared with, and of those whose spec or whose defences want them. */
export async function recordRun(
  store: Store,
  { worker, log }: RunQueue,
  { runId, twinId, baseId, keepWeights }: ClaimedRun,
  outcome: Extract<Outcome, { kind: 'done' }>,
): Promise<void> {
  const { metrics, environment, trained, poison, defense, memory } = outcome;
  const clean = twinId === undefined && baseId === undefined;
  // The artifact first: a run that counts as done always has it. A defence that changes no weights has none.
  if ((clean || keepWeights === 'all') && trained.length > 0) await store.putArtifact(runId, TRAINED_ARTIFACT, trained);
  if (poison) await store.putArtifact(runId, POISON_ARTIFACT, poison);
  await store.recordDone(runId, metrics, environment, worker, defense);
  log.note(runId, 'done', { seconds: metrics.seconds, memory });
  for (const [i, loss] of metrics.epochLosses.entries()) log.epoch(runId, { epoch: i + 1, loss, seconds: null });
}

/** Keeps what is left of a run that failed, where its spec wants it. */
export async function keepCheckpoint(store: Store, { runId, keepWeights }: ClaimedRun, path: string): Promise<void> {
  if (keepWeights === undefined) return;
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes) await store.putArtifact(runId, CHECKPOINT_ARTIFACT, bytes);
}
