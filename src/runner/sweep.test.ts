// The order in which an experiment is carried out, with a store and a pool that only take notes.
import { describe, expect, it } from 'vitest';
import type { PlannedRun, RunSpec } from '../spec/run-spec.ts';
import type { Store } from '../store/store.ts';
import type { Outcome, RunnerPool } from './pool.ts';
import type { Job } from './protocol.ts';
import { type SweepEvent, type SweepOptions, sweep } from './sweep.ts';

type Row = { run: PlannedRun; status: string; error?: string; artifact?: Uint8Array };
type Behaviour = (seed: number) => Outcome | Promise<Outcome>;

const done = (cleanAccuracy: number): Outcome =>
  ({
    kind: 'done',
    metrics: { cleanAccuracy },
    trained: Uint8Array.of(1),
    environment: {},
    memory: 1,
  }) as unknown as Outcome;
const failed = (error: string): Outcome => ({ kind: 'failed', error, memory: 1 });

/** Runs by name; `b: 'a'` makes a the clean twin of b. The number of a run is its seed. */
function experiment(runs: Record<string, string | undefined>): Row[] {
  return Object.entries(runs).map(([runId, twinId], seed) => {
    const spec = { seed } as RunSpec;
    return { run: twinId === undefined ? { runId, spec } : { runId, spec, twinId }, status: 'pending' };
  });
}

function laboratory(rows: Row[], behave: Behaviour, workers = 1) {
  const row = (runId: string) => {
    const found = rows.find(({ run }) => run.runId === runId);
    if (!found) throw new Error(`no run ${runId}`);
    return found;
  };
  const jobs: Job[] = [];
  const running = { now: 0, most: 0, closed: false };
  const store = {
    pendingRuns: async () => rows.filter(({ status }) => status !== 'done').map(({ run }) => run),
    getRun: async (runId: string) => {
      const { status, error, run } = row(runId);
      return { status, error, spec: run.spec, metrics: status === 'done' ? { cleanAccuracy: 0.9 } : null };
    },
    markRunning: async (runId: string) => void Object.assign(row(runId), { status: 'running' }),
    markPending: async (runId: string) => void Object.assign(row(runId), { status: 'pending' }),
    recordDone: async (runId: string) => void Object.assign(row(runId), { status: 'done' }),
    recordFailed: async (runId: string, error: string) => void Object.assign(row(runId), { status: 'failed', error }),
    recordSkipped: async (runId: string, error: string) => void Object.assign(row(runId), { status: 'skipped', error }),
    getArtifact: async (runId: string) => row(runId).artifact,
    putArtifact: async (runId: string, _: string, artifact: Uint8Array) => void Object.assign(row(runId), { artifact }),
  };
  const pool = {
    workers,
    async run(job: Job, onProgress: (share: number) => void) {
      jobs.push(job);
      running.now++;
      running.most = Math.max(running.most, running.now);
      onProgress(0.5);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const outcome = await behave(job.spec.seed);
      running.now--;
      return running.closed ? failed('the runner process was killed by SIGKILL') : outcome;
    },
    close() {
      running.closed = true;
    },
  };
  const carryOut = (options?: SweepOptions) =>
    sweep(store as unknown as Store, pool as unknown as RunnerPool, 'experiment', options);
  const statuses = () => Object.fromEntries(rows.map(({ run, status }) => [run.runId, status]));
  return {
    store,
    jobs,
    running,
    row,
    carryOut,
    statuses,
    order: () => jobs.map(({ spec }) => rows[spec.seed].run.runId),
  };
}

describe('sweep', () => {
  it('does clean twins before what is compared with them, and hands their results over', async () => {
    const lab = laboratory(experiment({ b: 'a', a: undefined, c: 'a', d: undefined }), () => done(0.9));
    expect(await lab.carryOut()).toEqual({ done: 4, failed: 0, skipped: 0, left: 0 });
    expect(lab.order()).toEqual(['a', 'b', 'c', 'd']);
    expect(lab.jobs.map(({ twin }) => twin)).toEqual([
      undefined,
      { cleanAccuracy: 0.9, trained: Uint8Array.of(1) },
      { cleanAccuracy: 0.9, trained: Uint8Array.of(1) },
      undefined,
    ]);
  });

  it('keeps every worker busy, and waits for a twin that is in hand', async () => {
    const lab = laboratory(experiment({ a: undefined, b: 'a', c: 'a', d: 'a' }), () => done(0.9), 3);
    expect(await lab.carryOut()).toMatchObject({ done: 4, left: 0 });
    expect(lab.order()[0]).toBe('a');
    expect(lab.running.most).toBe(3);
  });

  it('goes on after a failure, and skips what has no twin, with the reason', async () => {
    const rows = experiment({ a: undefined, b: 'a', c: undefined, d: 'c' });
    const lab = laboratory(rows, (seed) => (seed === 0 ? failed('training diverged') : done(0.8)));
    expect(await lab.carryOut()).toEqual({ done: 2, failed: 1, skipped: 1, left: 0 });
    expect(lab.statuses()).toEqual({ a: 'failed', b: 'skipped', c: 'done', d: 'done' });
    expect(lab.row('b').error).toBe('its clean twin a is failed: training diverged');
  });

  it('keeps no trained state of runs that are nobody’s twin', async () => {
    const lab = laboratory(experiment({ a: undefined, b: 'a' }), () => done(0.9));
    await lab.carryOut();
    expect([lab.row('a').artifact, lab.row('b').artifact]).toEqual([Uint8Array.of(1), undefined]);
  });

  it('makes a twin again whose state is gone', async () => {
    const rows = experiment({ a: undefined, b: 'a' });
    rows[0].status = 'done';
    const lab = laboratory(rows, () => done(0.9));
    expect(await lab.carryOut()).toMatchObject({ done: 1, left: 0 });
    expect(lab.order()).toEqual(['a', 'b']);
    expect(lab.row('a').artifact).toEqual(Uint8Array.of(1));
  });

  it('stops at the limit', async () => {
    const lab = laboratory(experiment({ a: undefined, b: 'a', c: 'a' }), () => done(0.9));
    expect(await lab.carryOut({ limit: 2 })).toEqual({ done: 2, failed: 0, skipped: 0, left: 1 });
    expect(lab.statuses()).toEqual({ a: 'done', b: 'done', c: 'pending' });
    expect(await lab.carryOut()).toMatchObject({ done: 1, left: 0 });
  });

  it('ends at once when it is aborted: runs in hand are not failures', async () => {
    const abort = new AbortController();
    const lab = laboratory(experiment({ a: undefined, b: undefined, c: undefined }), (seed) => {
      if (seed === 1) abort.abort();
      return done(0.9);
    });
    expect(await lab.carryOut({ signal: abort.signal })).toEqual({ done: 1, failed: 0, skipped: 0, left: 2 });
    expect(lab.running.closed).toBe(true);
    expect(lab.statuses()).toEqual({ a: 'done', b: 'pending', c: 'pending' });
  });

  it('when the store fails one worker, the others take no further run', async () => {
    const lab = laboratory(experiment({ a: undefined, b: undefined, c: undefined, d: undefined }), () => done(0.9), 2);
    const { recordDone } = lab.store;
    lab.store.recordDone = async (runId: string) => {
      if (runId === 'a') throw new Error('disk full');
      return recordDone(runId);
    };
    await expect(lab.carryOut()).rejects.toThrow('disk full');
    expect(lab.order()).toEqual(['a', 'b']);
  });

  it('makes a lost twin again once for all, and refuses one that came out differently', async () => {
    const lost = () => {
      const rows = experiment({ a: undefined, b: 'a', c: 'a' });
      rows[0].status = 'done';
      return rows;
    };
    const same = laboratory(lost(), () => done(0.9), 2);
    expect(await same.carryOut()).toMatchObject({ done: 2, skipped: 0 });
    expect(same.order().filter((id) => id === 'a')).toHaveLength(1);
    const other = laboratory(lost(), () => done(0.8), 2);
    expect(await other.carryOut()).toMatchObject({ done: 0, skipped: 2 });
    expect(other.row('b').error).toContain('came out differently');
  });

  it('tells what happens, and a share that climbs to 1', async () => {
    const events: SweepEvent[] = [];
    const lab = laboratory(experiment({ a: undefined, b: 'a' }), () => done(0.9));
    await lab.carryOut({ onEvent: (event) => events.push(event) });
    const shares = events.flatMap((event) => (event.kind === 'progress' ? [event.share] : []));
    expect(shares).toEqual([0.25, 0.5, 0.75, 1]);
    const kinds = events.filter(({ kind }) => kind !== 'progress').map(({ kind }) => kind);
    expect(kinds).toEqual(['started', 'finished', 'started', 'finished']);
  });

  it('with nothing to do does nothing', async () => {
    const lab = laboratory([], () => done(1));
    expect(await lab.carryOut()).toEqual({ done: 0, failed: 0, skipped: 0, left: 0 });
  });
});
