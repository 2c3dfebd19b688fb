// What the queue must do, whatever database is below it: run on PGlite always, on PostgreSQL when a server is named.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { failureGroups, retryFailed } from '../src/queue/retry.ts';
import { epochsOf, eventsOf } from '../src/queue/run-log.ts';
import type { Store } from '../src/store/store.ts';
import { attackedRun, cleanRun, ENVIRONMENT, METRICS, type StoreUnderTest, workerOf } from './store-suite.ts';

export function queueSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`queue on ${name}`, () => {
    let under: StoreUnderTest;
    let store: Store;
    beforeAll(async () => {
      under = await open();
      store = under.store;
    });
    afterAll(() => under?.close());

    const status = async (id: string) => (await store.getRun(id)).status;
    /** What a statement that a clock or a dead process might have left behind makes of a run. */
    const tamper = (id: string, assignment: string) =>
      store.database.query(`UPDATE runs SET ${assignment} WHERE run_id = $1`, [id]);

    test('clean twins come first, then as planned; a poisoned run waits for its twin', async () => {
      await store.recordExperiment('order', '', {}, [
        attackedRun('order-b', 'order-z'),
        cleanRun('order-z'),
        attackedRun('order-a', 'order-z'),
        cleanRun('order-y', 2),
      ]);
      const queue = workerOf(store);
      const first = await queue.claim('order');
      expect(first).toEqual({ ...cleanRun('order-z'), attempt: 1 });
      expect((await queue.claim('order'))?.runId).toBe('order-y');
      expect(await queue.claim('order')).toBeUndefined();
      expect(await queue.unfinished('order')).toEqual({ pending: 2, running: 2 });
      await store.recordDone('order-z', METRICS, ENVIRONMENT, 'one');
      expect(await queue.claim('order')).toEqual({ ...attackedRun('order-b', 'order-z'), attempt: 1 });
      expect((await queue.claim('order'))?.runId).toBe('order-a');
    });

    test('a defended run waits for its base, keeps what it found, and is tried again with it', async () => {
      const twin = cleanRun('shield-z');
      const base = { ...attackedRun('shield-b', 'shield-z'), keepWeights: 'all' as const };
      const spec = { ...base.spec, defense: { type: 'fine-tuning', budget: 0.05 } };
      const defended = { runId: 'shield-d', spec, baseId: 'shield-b' };
      await store.recordExperiment('shield', '', {}, [twin, base, defended]);
      const queue = workerOf(store);
      expect(await queue.claim('shield')).toEqual({ ...twin, attempt: 1 });
      await queue.fail('shield-z', 'diverged', false);
      await queue.tidy();
      await queue.tidy();
      expect((await store.getRun('shield-d')).error).toBe(
        'its base shield-b is skipped: its clean twin shield-z is failed: diverged',
      );
      expect(await retryFailed(store.database, { experiment: 'shield', anew: true })).toBe(3);
      await queue.claim('shield');
      await store.recordDone('shield-z', METRICS, ENVIRONMENT, 'one');
      expect(await queue.claim('shield')).toEqual({ ...base, attempt: 1 });
      expect(await queue.claim('shield')).toBeUndefined();
      await store.recordDone('shield-b', METRICS, ENVIRONMENT, 'one');
      expect(await queue.claim('shield')).toEqual({ ...defended, attempt: 1 });
      expect(await store.getDefense('shield-d')).toBeUndefined();
      const cost = { seconds: 0.1 + 0.2, forwardPasses: 4e10, backwardPasses: 3 };
      const found = { metrics: { prunedAsr: 1 / 3, flagged: true, layer: 'a "b"', index: null }, cost };
      const details = { classes: [1, 2, null] };
      await store.recordDone('shield-d', METRICS, ENVIRONMENT, 'one', { ...found, details });
      expect(await store.getDefense('shield-d')).toEqual({ ...found, details });
      expect(await store.getRun('shield-d')).toMatchObject({ baseId: 'shield-b', twinId: null, defense: found });
      expect(await store.getRun('shield-b')).toMatchObject({ baseId: null, twinId: 'shield-z', defense: null });
      await store.removeRuns(['shield-d']);
      expect(await store.getDefense('shield-d')).toBeUndefined();
      expect(await status('shield-d')).toBe('pending');
    });

    test('many workers at once never get the same run, and miss none', async () => {
      const runs = Array.from({ length: 60 }, (_, i) => cleanRun(`many-${i}`, i));
      await store.recordExperiment('many', '', {}, runs);
      const claimed = await Promise.all(
        Array.from({ length: 6 }, async (_, i) => {
          const queue = workerOf(store, `many-${i}`);
          const mine: string[] = [];
          for (let run = await queue.claim('many'); run; run = await queue.claim('many')) mine.push(run.runId);
          return mine;
        }),
      );
      expect(claimed.flat().sort()).toEqual(runs.map(({ runId }) => runId).sort());
    });

    test('a silent worker loses its runs, one that beats keeps them', async () => {
      await store.recordExperiment('lease', '', {}, [cleanRun('lease-1'), cleanRun('lease-2', 2)]);
      const [silent, alive] = [workerOf(store, 'silent'), workerOf(store, 'alive')];
      expect((await silent.claim('lease'))?.runId).toBe('lease-1');
      expect((await alive.claim('lease'))?.runId).toBe('lease-2');
      await tamper('lease-1', "lease_until = now() - interval '1 second'");
      await tamper('lease-2', "lease_until = now() - interval '1 second'");
      expect(await alive.beat(new Map([['lease-2', 0.5]]))).toEqual([]);
      await alive.tidy();
      expect([await status('lease-1'), await status('lease-2')]).toEqual(['pending', 'running']);
      expect(await silent.beat(new Map([['lease-1', 0.9]]))).toEqual(['lease-1']);
      const again = await alive.claim('lease');
      expect(again).toMatchObject({ runId: 'lease-1', attempt: 2 });
      // What the silent one says of it now counts for nothing, but a result is a result.
      await silent.fail('lease-1', 'too late', false);
      await silent.handBack('lease-1');
      expect(await status('lease-1')).toBe('running');
      await store.recordDone('lease-1', METRICS, ENVIRONMENT, 'silent');
      await store.recordDone('lease-1', { ...METRICS, cleanAccuracy: 0 }, ENVIRONMENT, 'alive');
      expect((await store.getRun('lease-1')).metrics?.cleanAccuracy).toBe(METRICS.cleanAccuracy);
      await alive.log.flush();
      const kinds = (await eventsOf(store.database, 'lease-1')).map(({ kind }) => kind);
      expect(kinds).toEqual(expect.arrayContaining(['claimed', 'lost', 'claimed']));
    });

    test('a lease from a clock that was far ahead does not hold for ever', async () => {
      await store.recordExperiment('clock', '', {}, [cleanRun('clock-1')]);
      await workerOf(store, 'dead').claim('clock');
      await tamper('clock-1', "lease_until = now() + interval '10 years'");
      await workerOf(store).tidy();
      expect(await status('clock-1')).toBe('pending');
    });

    test('a worker whose clock jumps keeps what it has in hand, and takes from nobody what is theirs', async () => {
      await store.recordExperiment('jump', '', {}, [cleanRun('jump-1'), cleanRun('jump-2', 2)]);
      const [mine, other] = [workerOf(store, 'jumping'), workerOf(store, 'steady')];
      expect((await mine.claim('jump'))?.runId).toBe('jump-1');
      expect((await other.claim('jump'))?.runId).toBe('jump-2');
      try {
        for (const hours of [2, -2]) {
          vi.setSystemTime(Date.now() + 3_600_000 * hours);
          await mine.tidy(['jump-1']);
          expect(await status('jump-1')).toBe('running');
          expect(await mine.beat(new Map([['jump-1', 0.5]]))).toEqual([]);
          // The embedded database has its owner's clock, and then no other worker; a server has its own.
          if (name !== 'PGlite') expect(await status('jump-2')).toBe('running');
        }
      } finally {
        vi.useRealTimers();
      }
      // A claim whose answer was lost is nobody's, though it bears this worker's name.
      await tamper('jump-1', "lease_until = now() - interval '1 second'");
      await mine.tidy([]);
      expect(await status('jump-1')).toBe('pending');
    });

    test('a run that ends its process again and again is set aside with its error', async () => {
      await store.recordExperiment('poison', '', {}, [cleanRun('poison-1'), attackedRun('poison-2', 'poison-1')]);
      const queue = workerOf(store, 'one', { attempts: 3 });
      for (const again of [true, true, false]) {
        await queue.claim('poison');
        expect(await queue.fail('poison-1', 'the runner process was killed by SIGSEGV', true)).toBe(again);
      }
      expect(await store.getRun('poison-1')).toMatchObject({
        status: 'failed',
        error: expect.stringContaining('SIGSEGV'),
      });
      expect(await queue.claim('poison')).toBeUndefined();
      await queue.tidy();
      expect(await store.getRun('poison-2')).toMatchObject({
        status: 'skipped',
        error: 'its clean twin poison-1 is failed: the runner process was killed by SIGSEGV',
      });
    });

    test('a run whose workers died each time is set aside too', async () => {
      await store.recordExperiment('deadly', '', {}, [cleanRun('deadly-1')]);
      const queue = workerOf(store, 'victim', { attempts: 2 });
      for (let i = 0; i < 2; i++) {
        expect((await queue.claim('deadly'))?.attempt).toBe(i + 1);
        await tamper('deadly-1', "lease_until = now() - interval '1 second'");
        await queue.tidy();
      }
      expect(await store.getRun('deadly-1')).toMatchObject({
        status: 'failed',
        error: expect.stringMatching(/^set aside after 2 attempts: /),
      });
    });

    test('handing a run back costs it no attempt', async () => {
      await store.recordExperiment('back', '', {}, [cleanRun('back-1')]);
      const queue = workerOf(store, 'one', { attempts: 1 });
      for (let i = 0; i < 3; i++) {
        expect((await queue.claim('back'))?.attempt).toBe(1);
        await queue.handBack('back-1');
      }
      expect(await status('back-1')).toBe('pending');
    });

    test('failures are grouped by what went wrong, and get another try with what they kept waiting', async () => {
      const runs = [1, 2, 3, 4].map((seed) => cleanRun(`group-${seed}`, seed));
      await store.recordExperiment('group', '', {}, [...runs, attackedRun('group-5', 'group-1')]);
      const queue = workerOf(store);
      for (const error of [
        'loss is 3.5e12 at epoch 2',
        'loss is 7 at epoch 14',
        'disk full',
        'loss is -1 at epoch 3',
      ]) {
        const run = await queue.claim('group');
        await queue.fail(run?.runId ?? '', error, false);
      }
      await queue.tidy();
      expect(await failureGroups(store.database, 'group')).toEqual([
        { error: 'loss is # at epoch #', runs: 3, examples: ['group-1', 'group-2', 'group-4'] },
        { error: 'disk full', runs: 1, examples: ['group-3'] },
      ]);
      expect(await status('group-5')).toBe('skipped');
      expect(await retryFailed(store.database, { experiment: 'group', ids: ['group-3'], anew: true })).toBe(1);
      expect(await status('group-5')).toBe('skipped');
      expect(await retryFailed(store.database, { experiment: 'group', attemptsBelow: 1, anew: false })).toBe(0);
      expect(await retryFailed(store.database, { experiment: 'group', anew: true })).toBe(4);
      expect(await queue.unfinished('group')).toEqual({ pending: 5, running: 0 });
      expect((await queue.claim('group'))?.attempt).toBe(1);
    });

    test('the log keeps order, epochs are written once, and results rm takes both away', async () => {
      await store.recordExperiment('log', '', {}, [cleanRun('log-1')]);
      const queue = workerOf(store, 'scribe');
      await queue.claim('log');
      queue.log.epoch('log-1', { epoch: 1, loss: 1 / 3, seconds: 2.5 });
      queue.log.note('log-1', 'checkpoint', { epoch: 1, text: 'NUL \0 and "quotes"' });
      queue.log.note('gone', 'done');
      await queue.log.flush();
      queue.log.epoch('log-1', { epoch: 1, loss: 9, seconds: null });
      queue.log.epoch('log-1', { epoch: 2, loss: 0.25, seconds: null });
      await queue.leave();
      expect(await epochsOf(store.database, 'log-1')).toEqual([
        { epoch: 1, loss: 1 / 3, seconds: 2.5 },
        { epoch: 2, loss: 0.25, seconds: null },
      ]);
      const [claimed, saved] = await eventsOf(store.database, 'log-1');
      expect(claimed).toMatchObject({ kind: 'claimed', worker: 'scribe', detail: { attempt: 1 } });
      expect(saved).toMatchObject({ kind: 'checkpoint', detail: { epoch: 1, text: 'NUL  and "quotes"' } });
      expect(await eventsOf(store.database, 'log-1', saved.id)).toEqual([]);
      await store.removeRuns(['log-1']);
      expect(await epochsOf(store.database, 'log-1')).toEqual([]);
      expect(await eventsOf(store.database, 'log-1')).toEqual([]);
      expect((await queue.claim('log'))?.attempt).toBe(1);
    });

    test('runs that no experiment plans any more are left alone', async () => {
      await store.recordExperiment('orphan', '', {}, [cleanRun('orphan-1')]);
      await store.recordExperiment('orphan', '', {}, [cleanRun('orphan-2', 2)]);
      const queue = workerOf(store);
      expect((await queue.claim('orphan'))?.runId).toBe('orphan-2');
      expect(await queue.claim('orphan')).toBeUndefined();
    });
  });
}
