// A sweep with a store, a queue and a pool that only take notes.
import type { RunQueue } from '../../src/queue/run-queue.ts';
import type { Outcome, RunnerPool } from '../../src/runner/pool.ts';
import type { Job, RunnerNews } from '../../src/runner/protocol.ts';
import { type SweepOptions, sweep } from '../../src/runner/sweep.ts';
import type { PlannedRun, RunSpec } from '../../src/spec/run-spec.ts';
import type { Store } from '../../src/store/store.ts';

type Row = { run: PlannedRun; status: string; error?: string; artifact?: Uint8Array; tries?: number };
type Behaviour = (seed: number) => Outcome | Promise<Outcome>;

export const done = (cleanAccuracy: number): Outcome =>
  ({
    kind: 'done',
    metrics: { cleanAccuracy, epochLosses: [1], seconds: 1 },
    trained: Uint8Array.of(1),
    environment: {},
    memory: 1,
  }) as unknown as Outcome;
export const failed = (error: string): Outcome => ({ kind: 'failed', error, memory: 1 });

/** Runs by name; `b: 'a'` makes a the clean twin of b. The number of a run is its seed. */
export function experiment(runs: Record<string, string | undefined>): Row[] {
  return Object.entries(runs).map(([runId, twinId], seed) => {
    const spec = { seed } as RunSpec;
    return { run: twinId === undefined ? { runId, spec } : { runId, spec, twinId }, status: 'pending' };
  });
}

export function laboratory(rows: Row[], behave: Behaviour, workers = 1) {
  const row = (runId: string) => {
    const found = rows.find(({ run }) => run.runId === runId);
    if (!found) throw new Error(`no run ${runId}`);
    return found;
  };
  const jobs: Job[] = [];
  const running = { now: 0, most: 0, stopped: false };
  const store = {
    artifactDirectory: '/nowhere',
    getRun: async (runId: string) => {
      const { status, error, run } = row(runId);
      return { status, error, spec: run.spec, metrics: status === 'done' ? { cleanAccuracy: 0.9 } : null };
    },
    recordDone: async (runId: string) => void Object.assign(row(runId), { status: 'done' }),
    getArtifact: async (runId: string) => row(runId).artifact,
    putArtifact: async (runId: string, _: string, artifact: Uint8Array) => void Object.assign(row(runId), { artifact }),
  };
  const notes: string[] = [];
  const queue = {
    worker: 'w',
    leaseSeconds: 60,
    log: { note: (id: string, kind: string) => notes.push(`${id} ${kind}`), epoch: () => {}, flush: async () => {} },
    join: async () => {},
    leave: async () => {},
    beat: async () => [],
    async claim() {
      const isDone = (id: string | undefined) => id === undefined || row(id).status === 'done';
      const free = rows.filter(({ status, run }) => status === 'pending' && isDone(run.baseId ?? run.twinId));
      const next = free.find(({ run }) => run.twinId === undefined) ?? free[0];
      if (!next) return undefined;
      next.status = 'running';
      return { ...next.run, attempt: 1 };
    },
    async tidy() {
      for (const waiting of rows.filter(({ status, run }) => status === 'pending' && run.twinId !== undefined)) {
        const twin = row(waiting.run.twinId ?? '');
        if (!['failed', 'skipped'].includes(twin.status)) continue;
        Object.assign(waiting, {
          status: 'skipped',
          error: `its clean twin ${twin.run.runId} is failed: ${twin.error}`,
        });
      }
    },
    async fail(runId: string, error: string, again: boolean) {
      const found = row(runId);
      found.tries = (found.tries ?? 0) + 1;
      const repeated = again && found.tries < 3;
      Object.assign(found, { status: repeated ? 'pending' : 'failed', error });
      return repeated;
    },
    skip: async (runId: string, error: string) => void Object.assign(row(runId), { status: 'skipped', error }),
    handBack: async (runId: string) => void Object.assign(row(runId), { status: 'pending' }),
    unfinished: async () => ({
      pending: rows.filter(({ status }) => status === 'pending').length,
      running: rows.filter(({ status }) => status === 'running').length,
    }),
  };
  const pool = {
    workers,
    async run(job: Job, onNews: (news: RunnerNews) => void) {
      jobs.push(job);
      running.now++;
      running.most = Math.max(running.most, running.now);
      onNews({ kind: 'progress', share: 0.5 });
      await new Promise((resolve) => setTimeout(resolve, 5));
      const outcome = await behave(job.spec.seed);
      running.now--;
      return running.stopped ? ({ kind: 'stopped', memory: 1 } as Outcome) : outcome;
    },
    stop() {
      running.stopped = true;
    },
    close() {},
  };
  const carryOut = (options?: SweepOptions) =>
    sweep(store as unknown as Store, queue as unknown as RunQueue, pool as unknown as RunnerPool, options);
  const statuses = () => Object.fromEntries(rows.map(({ run, status }) => [run.runId, status]));
  return {
    store,
    notes,
    jobs,
    running,
    row,
    carryOut,
    statuses,
    order: () => jobs.map(({ spec }) => rows[spec.seed].run.runId),
  };
}
