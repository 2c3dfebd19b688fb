// The embedded database: PGlite on a directory, for one process at a time (the holder of the store's lock).
import { PGlite } from '@electric-sql/pglite';
import { type Database, encodeParameters, type SqlParameter, transactionView } from './database.ts';

/**
 * PGlite with one queue for everything that uses it: our own statements, our transactions, and the statements of other
 * processes that come in through the socket. PGlite's own locks let socket messages slip between the statements of a
 * transaction, and would roll the owner's rows back with a client's transaction.
 */
export class EmbeddedDatabase implements Database {
  readonly #pglite: PGlite;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  /** Opens a data directory, creating it when it is empty or missing. Rows are in the file before a statement returns. */
  static async open(directory: string): Promise<EmbeddedDatabase> {
    return new EmbeddedDatabase(await PGlite.create({ dataDir: directory, relaxedDurability: false }));
  }

  /** Runs `work` when everything asked for earlier is done, and lets nothing else in until it ends. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  query<T>(sql: string, parameters: readonly SqlParameter[] = []): Promise<T[]> {
    return this.exclusive(() => this.#query<T>(sql, parameters));
  }

  exec(sql: string): Promise<void> {
    return this.exclusive(() => this.#exec(sql));
  }

  transaction<T>(work: (tx: Database) => Promise<T>): Promise<T> {
    return this.exclusive(() =>
      this.#pglite.transaction((tx) =>
        work(
          transactionView({
            query: async <Row>(sql: string, parameters: readonly SqlParameter[] = []) =>
              (await tx.query<Row>(sql, encodeParameters(parameters))).rows,
            exec: async (sql) => {
              await tx.exec(sql);
            },
          }),
        ),
      ),
    );
  }

  /** One message of PostgreSQL's wire protocol and the answer to it. Only inside `exclusive`. */
  async message(bytes: Uint8Array): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    await this.#pglite.execProtocolRawStream(bytes, { onRawData: (part) => parts.push(part.slice()) });
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** Whether a transaction is open. Only inside `exclusive`. */
  inTransaction(): boolean {
    return this.#pglite.isInTransaction();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.exclusive(() => this.#pglite.close());
  }

  async #query<T>(sql: string, parameters: readonly SqlParameter[]): Promise<T[]> {
    return (await this.#pglite.query<T>(sql, encodeParameters(parameters))).rows;
  }

  async #exec(sql: string): Promise<void> {
    await this.#pglite.exec(sql);
  }
}
