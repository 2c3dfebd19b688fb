// A PostgreSQL server, or the embedded store of another process through its socket.
import pg from 'pg';
import { failedError, messageOf, TriggerlabError } from '../core/errors.ts';
import { systemFault } from '../core/system-fault.ts';
import { type Database, encodeParameters, type SqlParameter, transactionView } from './database.ts';

/** Errors of the connection rather than of the statement: PostgreSQL's class 08 and 57P, and those of the socket. */
function isConnectionError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  // 53300: too many connections at present.
  if (typeof code === 'string') return /^(08|57P|53300|E[A-Z]{3,})/.test(code);
  return /connection terminated|timeout expired|connection ended/i.test(messageOf(error));
}

/** Whether an error is one that may go away by itself: the server is away for a while, or two transactions met. */
export function isUnreachable(error: unknown): boolean {
  const cause = (error instanceof TriggerlabError ? error.cause : error) ?? {};
  return isConnectionError(cause) || ['40001', '40P01'].includes(String((cause as { code?: unknown }).code));
}

/**
 * A pool of connections.
 * @param where what messages call the database, without passwords.
 * @throws TriggerlabError (failed) when it cannot be reached.
 */
export async function connectPostgres(config: pg.PoolConfig, where: string): Promise<Database> {
  const pool = new pg.Pool({ max: 4, keepAlive: true, connectionTimeoutMillis: 10_000, ...config });
  // An idle connection that breaks is reported by the next statement.
  pool.on('error', () => undefined);

  const explain = (error: unknown): unknown =>
    !(error instanceof TriggerlabError) && isConnectionError(error)
      ? failedError(`lost or could not make the connection to ${where}: ${messageOf(error)}`, {
          hint: 'Nothing that was recorded is lost; run the command again.',
          cause: error,
        })
      : (systemFault(error) ?? error);
  const run = async <T>(client: pg.Pool | pg.PoolClient, sql: string, parameters?: readonly SqlParameter[]) => {
    try {
      return (await client.query(sql, parameters && encodeParameters(parameters))).rows as T[];
    } catch (error) {
      throw explain(error);
    }
  };

  const database: Database = {
    query: <T>(sql: string, parameters: readonly SqlParameter[] = []) => run<T>(pool, sql, parameters),
    exec: async (sql) => {
      await run(pool, sql);
    },
    async transaction(work) {
      const client = await pool.connect().catch((error: unknown) => {
        throw explain(error);
      });
      let broken = false;
      try {
        await run(client, 'BEGIN');
        const result = await work(
          transactionView({
            query: <T>(sql: string, parameters: readonly SqlParameter[] = []) => run<T>(client, sql, parameters),
            exec: async (sql) => {
              await run(client, sql);
            },
          }),
        );
        await run(client, 'COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {
          broken = true;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
  try {
    await database.query('SELECT 1');
  } catch (error) {
    await pool.end();
    throw error;
  }
  return database;
}
