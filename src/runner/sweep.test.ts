// How a worker carries out an experiment, with a store, a queue and a pool that only take notes.
import { describe, expect, it } from 'vitest';
import { done, experiment, failed, laboratory } from '../../test/support/sweep-laboratory.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import { Admission } from './admission.ts';
import type { Outcome } from './pool.ts';
import type { SweepEvent } from './sweep.ts';

describe('sweep', () => {
  it('does clean twins before what is compared with them, and hands their results over', async () => {
    const lab = laboratory(experiment({ b: 'a', a: undefined, c: 'a', d: undefined }), () => done(0.9));
    expect(await lab.carryOut()).toEqual({ done: 4, failed: 0, skipped: 0, left: 0 });
    expect(lab.order()).toEqual(['a', 'd', 'b', 'c']);
    expect(lab.jobs.map(({ twin }) => twin)).toEqual([
      undefined,
      undefined,
      { cleanAccuracy: 0.9, trained: Uint8Array.of(1) },
      { cleanAccuracy: 0.9, trained: Uint8Array.of(1) },
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
    expect(await lab.carryOut()).toEqual({ done: 2, failed: 1, skipped: 0, left: 0 });
    expect(lab.statuses()).toEqual({ a: 'failed', b: 'skipped', c: 'done', d: 'done' });
    expect(lab.row('b').error).toBe('its clean twin a is failed: training diverged');
  });

  it('keeps no trained state of runs that are nobody’s twin', async () => {
    const lab = laboratory(experiment({ a: undefined, b: 'a' }), () => done(0.9));
    await lab.carryOut();
    expect([lab.row('a').artifact, lab.row('b').artifact]).toEqual([Uint8Array.of(1), undefined]);
  });

  it('keeps the state of a run that is defended, and gives all of it to its defence', async () => {
    const rows = experiment({ a: undefined, b: 'a', c: undefined });
    rows[1].run = { ...rows[1].run, keepWeights: 'all' };
    rows[2].run = { runId: 'c', spec: { seed: 2, defense: { type: 'mend' } } as unknown as RunSpec, baseId: 'b' };
    const lab = laboratory(rows, () => done(0.9));
    expect(await lab.carryOut()).toMatchObject({ done: 3, left: 0 });
    expect(lab.order()).toEqual(['a', 'b', 'c']);
    expect(lab.row('b').artifact).toEqual(Uint8Array.of(1));
    expect(lab.jobs[2]).toMatchObject({ base: { metrics: { cleanAccuracy: 0.9 }, trained: Uint8Array.of(1) } });
    expect(lab.jobs[2].twin).toBeUndefined();
    expect(lab.row('c').artifact).toBeUndefined();
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
    expect(lab.running.stopped).toBe(true);
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

  it('a lost twin whose process ends while it is made again costs an attempt, not the run', async () => {
    const rows = experiment({ a: undefined, b: 'a' });
    rows[0].status = 'done';
    let tries = 0;
    const crashed: Outcome = { kind: 'failed', error: 'killed by SIGKILL', memory: 1, crashed: true };
    const lab = laboratory(rows, (seed) => (seed === 0 && ++tries < 3 ? crashed : done(0.9)));
    expect(await lab.carryOut()).toMatchObject({ done: 1, failed: 0, skipped: 0, left: 0 });
    expect(lab.order()).toEqual(['a', 'a', 'a', 'b']);
    expect(lab.row('b').error).toContain('could not be made again: killed by SIGKILL');
    expect(lab.row('b').tries).toBe(2);
  });

  it('a full disk is no fault of a run: the work ends with that reason, and what is in hand is free again', async () => {
    const full: Outcome = {
      kind: 'failed',
      error: 'ENOSPC: no space left on device, write',
      memory: 1,
      diskFull: true,
    };
    const lab = laboratory(experiment({ a: undefined, b: undefined, c: undefined }), (seed) =>
      seed === 1 ? full : done(0.9),
    );
    await expect(lab.carryOut()).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('the disk is full: ENOSPC'),
    });
    expect(lab.statuses()).toEqual({ a: 'done', b: 'pending', c: 'pending' });
    const other = laboratory(experiment({ a: undefined, b: 'a' }), () => done(0.9));
    other.store.putArtifact = async () => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    await expect(other.carryOut()).rejects.toThrow('no space left');
    expect(other.statuses()).toEqual({ a: 'pending', b: 'pending' });
  });

  it('makes what a run needs before it begins; a run whose need cannot be met fails with the reason', async () => {
    const lab = laboratory(experiment({ a: undefined, b: undefined }), () => done(0.9));
    const prepared: number[] = [];
    const prepare = async ({ seed }: RunSpec) => {
      prepared.push(seed);
      if (seed === 0) throw new Error('the encoder diverged');
    };
    expect(await lab.carryOut({ prepare })).toMatchObject({ done: 1, failed: 1 });
    expect([prepared, lab.order(), lab.row('a').error]).toEqual([[0, 1], ['b'], 'the encoder diverged']);
  });

  it('tells what happens, and a share that climbs to 1', async () => {
    const events: SweepEvent[] = [];
    const lab = laboratory(experiment({ a: undefined, b: 'a' }), () => done(0.9));
    await lab.carryOut({ onEvent: (event) => events.push(event) });
    const shares = events.flatMap((event) => (event.kind === 'progress' ? [event.share] : []));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(shares).toContain(0.25);
    const kinds = events.filter(({ kind }) => kind !== 'progress').map(({ kind }) => kind);
    expect(kinds).toEqual(['started', 'finished', 'started', 'finished']);
  });

  it('tries a run again whose process ended, and gives up in the end', async () => {
    const crashed: Outcome = { kind: 'failed', error: 'killed by SIGKILL', memory: 1, crashed: true };
    let tries = 0;
    const lucky = laboratory(experiment({ a: undefined }), () => (++tries < 3 ? crashed : done(0.9)));
    expect(await lucky.carryOut()).toMatchObject({ done: 1, failed: 0 });
    const events: string[] = [];
    const unlucky = laboratory(experiment({ a: undefined, b: undefined }), (seed) =>
      seed === 0 ? crashed : done(0.9),
    );
    const onEvent = (event: SweepEvent) => event.kind !== 'progress' && events.push(event.kind);
    expect(await unlucky.carryOut({ onEvent })).toMatchObject({ done: 1, failed: 1 });
    expect(events.filter((kind) => kind === 'again')).toHaveLength(2);
  });

  it('lets no more runs in than the memory holds', async () => {
    const rows = experiment({ a: undefined, b: undefined, c: undefined });
    const lab = laboratory(rows, () => done(0.9), 3);
    const predict = async (spec: RunSpec) => (spec.seed === 2 ? 100 : 6);
    expect(await lab.carryOut({ admission: new Admission({ budget: 10, predict }) })).toMatchObject({ done: 3 });
    expect(lab.running.most).toBe(1);
    const wide = laboratory(
      rows.map(({ run }) => ({ run, status: 'pending' })),
      () => done(0.9),
      3,
    );
    await wide.carryOut({ admission: new Admission({ budget: 112, predict }) });
    expect(wide.running.most).toBe(3);
  });

  it('with nothing to do does nothing', async () => {
    const lab = laboratory([], () => done(1));
    expect(await lab.carryOut()).toEqual({ done: 0, failed: 0, skipped: 0, left: 0 });
  });
});
