// How commands that read a store, or change it briefly, open it.
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { log } from './output.ts';

/** Opens a store for a command, and closes it whatever happens. */
export async function withStore<T>(location: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(location, { mode: 'use', warn: (message) => log(`warning: ${message}`) });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
