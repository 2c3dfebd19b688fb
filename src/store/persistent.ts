// A database on a server that may go away for a while: statements wait for it to come back.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.ts';
import { isUnreachable } from './postgres.ts';

export interface Patience {
  /** How long to wait for the server. */
  readonly seconds: number;
  /** Told once when waiting begins, and again when it ends. */
  readonly onWait?: (waiting: boolean) => void;
}

/**
 * The same database, whose statements and transactions are repeated when the connection breaks. A statement may then have
 * been carried out twice, so it must be one that can be.
 */
export function persistent(db: Database, { seconds, onWait }: Patience): Database {
  const insist = async <T>(work: () => Promise<T>): Promise<T> => {
    const deadline = performance.now() + 1000 * seconds;
    let waited = false;
    for (let pause = 100; ; pause = Math.min(2 * pause, 2000)) {
      try {
        const result = await work();
        if (waited) onWait?.(false);
        return result;
      } catch (error) {
        if (!isUnreachable(error) || performance.now() > deadline) throw error;
        if (!waited) onWait?.(true);
        waited = true;
        await sleep(pause);
      }
    }
  };
  return {
    query: (sql, parameters) => insist(() => db.query(sql, parameters)),
    exec: (sql) => insist(() => db.exec(sql)),
    transaction: (work) => insist(() => db.transaction(work)),
    close: () => db.close(),
  };
}
