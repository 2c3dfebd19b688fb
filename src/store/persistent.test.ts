import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { failedError, inputError } from '../core/errors.ts';
import type { Database } from './database.ts';
import { persistent } from './persistent.ts';

/** A database that does what the list says, one entry for every statement or transaction; at its end it answers. */
function scripted(...faults: unknown[]) {
  const asked: string[] = [];
  const next = (what: string) => {
    asked.push(what);
    const fault = faults.shift();
    if (fault !== undefined) throw fault;
  };
  const db: Database = {
    query: async <T>(sql: string) => {
      next(sql);
      return [{ answer: sql }] as T[];
    },
    exec: async (sql) => next(sql),
    transaction: async (work) => {
      next('BEGIN');
      const result = await work(db);
      next('COMMIT');
      return result;
    },
    close: async () => next('close'),
  };
  return { db, asked };
}

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const shutDown = Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' });
/** As postgres.ts hands them on. */
const lost = failedError('lost the connection', { hint: 'again', cause: shutDown });
const met = Object.assign(new Error('deadlock detected'), { code: '40P01' });
const wrong = Object.assign(new Error('syntax error'), { code: '42601' });

// Whoever sleeps finds that the time has passed.
vi.mock('node:timers/promises', () => ({ setTimeout: async (ms: number) => void vi.advanceTimersByTime(ms) }));
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What comes of work: its result or error, and the seconds that it took. */
async function outcomeOf(work: Promise<unknown>): Promise<{ result: unknown; seconds: number }> {
  const began = performance.now();
  const result = await work.catch((error: unknown) => error);
  return { result, seconds: (performance.now() - began) / 1000 };
}

describe('a database whose server goes away', () => {
  test('statements are repeated until it is back; who asked is told when waiting begins and ends', async () => {
    const onWait = vi.fn();
    const { db, asked } = scripted(refused, lost, met);
    const { result, seconds } = await outcomeOf(persistent(db, { seconds: 60, onWait }).query('SELECT 1'));
    expect(result).toEqual([{ answer: 'SELECT 1' }]);
    expect(asked).toEqual(['SELECT 1', 'SELECT 1', 'SELECT 1', 'SELECT 1']);
    expect(onWait.mock.calls).toEqual([[true], [false]]);
    expect(seconds).toBeCloseTo(0.1 + 0.2 + 0.4);
  });

  test('nobody is told anything while it is there', async () => {
    const onWait = vi.fn();
    const { db, asked } = scripted();
    await persistent(db, { seconds: 60, onWait }).exec('ANALYZE');
    expect(asked).toEqual(['ANALYZE']);
    expect(onWait).not.toHaveBeenCalled();
  });

  test('after the time it had, the error is told', async () => {
    const onWait = vi.fn();
    const { db, asked } = scripted(...Array.from({ length: 1000 }, () => lost));
    const { result, seconds } = await outcomeOf(persistent(db, { seconds: 45, onWait }).query('SELECT 1'));
    expect(result).toBe(lost);
    expect(onWait.mock.calls).toEqual([[true]]);
    // Pauses grow to two seconds and no further.
    expect(seconds).toBeGreaterThan(45);
    expect(seconds).toBeLessThan(48);
    expect(asked.length).toBeGreaterThan(22);
    expect(asked.length).toBeLessThan(32);
  });

  test('the time begins anew with every statement', async () => {
    const outage = Array.from({ length: 16 }, () => refused);
    const { db } = scripted(...outage, undefined, ...outage);
    const patient = persistent(db, { seconds: 30 });
    expect((await outcomeOf(patient.query('SELECT 1'))).result).toEqual([{ answer: 'SELECT 1' }]);
    expect((await outcomeOf(patient.query('SELECT 2'))).result).toEqual([{ answer: 'SELECT 2' }]);
  });

  test('a transaction is done again as a whole', async () => {
    const { db, asked } = scripted(undefined, undefined, lost);
    const work = vi.fn(async (tx: Database) => {
      await tx.exec('one');
      await tx.exec('two');
      return 'done';
    });
    expect((await outcomeOf(persistent(db, { seconds: 60 }).transaction(work))).result).toBe('done');
    expect(asked).toEqual(['BEGIN', 'one', 'two', 'BEGIN', 'one', 'two', 'COMMIT']);
    expect(work).toHaveBeenCalledTimes(2);
  });

  test('errors that waiting does not mend are told at once, those of transactions too', async () => {
    for (const error of [wrong, inputError('no such experiment', { hint: 'none' }), new Error('a defect')]) {
      const { db, asked } = scripted(error);
      const onWait = vi.fn();
      await expect(persistent(db, { seconds: 60, onWait }).query('SELEC')).rejects.toBe(error);
      expect(asked).toEqual(['SELEC']);
      expect(onWait).not.toHaveBeenCalled();
      const work = vi.fn(() => Promise.reject(error));
      await expect(persistent(scripted().db, { seconds: 60, onWait }).transaction(work)).rejects.toBe(error);
      expect(work).toHaveBeenCalledTimes(1);
    }
  });

  test('closing does not wait', async () => {
    const { db } = scripted(refused);
    await expect(persistent(db, { seconds: 60 }).close()).rejects.toBe(refused);
  });
});
