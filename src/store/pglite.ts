// The embedded database: PGlite on a directory, for one process at a time (the holder of the store's lock).
import { statfsSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { diskFull, systemFault } from '../core/system-fault.ts';
import { type Database, encodeParameters, type SqlParameter, transactionView } from './database.ts';

/**
 * Bytes that must be free on the disk. PostgreSQL stops when its log, which grows by pieces of 16 MB, finds no room; PGlite
 * then turns in circles for ever, so it must not come to that.
 */
const RESERVE = 32 * 2 ** 20;
/** The same for a new database, which takes 40 MB at once. */
const RESERVE_FOR_NEW = 96 * 2 ** 20;

/**
 * An eighth of the buffers that PostgreSQL has unless told: to lay them out is a good part of opening a database, and pages that
 * are not in them are in the system's own cache.
 */
const BUFFERS = ['-c', 'shared_buffers=16MB'];

/**
 * PGlite with one queue for everything that uses it: our own statements, our transactions, and the statements of other
 * processes that come in through the socket. PGlite's own locks let socket messages slip between the statements of a
 * transaction, and would roll the owner's rows back with a client's transaction.
 */
export class EmbeddedDatabase implements Database {
  readonly #pglite: PGlite;
  readonly #directory: string;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(pglite: PGlite, directory: string) {
    this.#pglite = pglite;
    this.#directory = directory;
  }

  /**
   * Opens a data directory, filling it with a new database when it is empty. Rows are in the file before a statement returns.
   * @throws TriggerlabError (failed) when its disk is (nearly) full, as every statement does then.
   */
  static async open(directory: string): Promise<EmbeddedDatabase> {
    requireRoom(directory, RESERVE);
    const pglite = await PGlite.create({
      dataDir: directory,
      relaxedDurability: false,
      startParams: [...PGlite.defaultStartParams, ...BUFFERS],
    });
    return new EmbeddedDatabase(pglite, directory);
  }

  /** Runs `work` when everything asked for earlier is done, and lets nothing else in until it ends. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#carefully(work));
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
    await this.#last;
    // Its last words are written to the log: without room they are left unsaid, which the next start is used to.
    if (hasRoom(this.#directory, RESERVE)) await this.#pglite.close();
  }

  async #carefully<T>(work: () => Promise<T>): Promise<T> {
    requireRoom(this.#directory, RESERVE);
    try {
      return await work();
    } catch (error) {
      throw systemFault(error) ?? error;
    }
  }

  async #query<T>(sql: string, parameters: readonly SqlParameter[]): Promise<T[]> {
    return (await this.#pglite.query<T>(sql, encodeParameters(parameters))).rows;
  }

  async #exec(sql: string): Promise<void> {
    await this.#pglite.exec(sql);
  }
}

function hasRoom(directory: string, bytes: number): boolean {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize >= bytes;
}

/** @throws TriggerlabError (failed) when the disk of a directory has no room for a new database. */
export function requireRoomForNew(directory: string): void {
  requireRoom(directory, RESERVE_FOR_NEW);
}

function requireRoom(directory: string, bytes: number): void {
  if (!hasRoom(directory, bytes)) throw diskFull(`${directory} needs ${Math.ceil(bytes / 2 ** 20)} MB free beside it`);
}
