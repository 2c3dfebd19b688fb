// What the store asks of a database: PostgreSQL's dialect, one statement at a time or in a transaction.

/** A value passed as `$1`, `$2`, …; JSON, arrays and times go as text and are cast in the statement (`$1::text::json`). */
export type SqlParameter = string | number | boolean | null;

export interface Database {
  /** The rows of one statement. int4 and float8 come back as numbers (to the last bit), JSON parsed, timestamptz as Date. */
  query<T>(sql: string, parameters?: readonly SqlParameter[]): Promise<T[]>;
  /** Runs statements without parameters or rows. */
  exec(sql: string): Promise<void>;
  /**
   * Runs `work` in a transaction: committed when it returns, rolled back when it throws. Inside `work` use `tx` only:
   * the outer object waits for the transaction to end. A transaction inside a transaction joins it.
   */
  transaction<T>(work: (tx: Database) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Parameters as both drivers take them: JavaScript prints −0 as "0", which would lose its sign. */
export function encodeParameters(parameters: readonly SqlParameter[]): SqlParameter[] {
  return parameters.map((value) => (Object.is(value, -0) ? '-0' : value));
}

/** A float8[] as PostgreSQL reads it from text. */
export function float8Array(values: readonly number[]): string {
  return `{${values.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join(',')}}`;
}

/** Text that a PostgreSQL text column takes: NUL characters are dropped. */
export function sqlText(text: string): string {
  return text.replaceAll('\0', '');
}

type Statements = Pick<Database, 'query' | 'exec'>;

/** The database that `work` of a transaction sees. */
export function transactionView(statements: Statements): Database {
  const view: Database = {
    ...statements,
    transaction: (work) => work(view),
    close: async () => {
      throw new Error('a transaction cannot close its database');
    },
  };
  return view;
}
