// An embedded database for tests of what works on one.
import { join } from 'node:path';
import { openStore } from '../../src/store/open.ts';
import { EmbeddedDatabase } from '../../src/store/pglite.ts';

/** A database without tables in an empty or missing directory: that of a new store, which comes quickly, without its own. */
export async function emptyDatabase(directory: string): Promise<EmbeddedDatabase> {
  await (await openStore(directory, { mode: 'own' })).close();
  const db = await EmbeddedDatabase.open(join(directory, 'db'));
  await db.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  return db;
}
