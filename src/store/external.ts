// Published results in the store: tables of their own, so that they can never be counted among our runs.
import { inputError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Database } from './database.ts';

export interface ExternalSource {
  readonly name: string;
  /** ISO 8601. */
  readonly importedAt: string;
  readonly files: readonly {
    readonly file: string;
    readonly sha256: string;
    readonly mapping: string;
    readonly rows: number;
  }[];
  readonly rows: number;
}

/** Sources and their rows; what a row holds is the analysis's business. */
export class ExternalResults {
  readonly #db: Database;
  readonly #location: string;

  constructor(db: Database, location: string) {
    this.#db = db;
    this.#location = location;
  }

  /**
   * Records a source with all its rows, or nothing.
   * @throws TriggerlabError (input) when there is one of that name, unless it is to be replaced.
   */
  async add(
    name: string,
    files: ExternalSource['files'],
    rows: readonly object[],
    options: { readonly replace: boolean; readonly at: string },
  ): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const [present] = await tx.query('SELECT name FROM external_sources WHERE name = $1', [name]);
      if (present && !options.replace) {
        throw inputError(`the store at ${this.#location} has results called "${name}" already`, {
          hint: 'Import them under another name with --as, or replace those with --replace.',
        });
      }
      await tx.query('DELETE FROM external_sources WHERE name = $1', [name]);
      await tx.query(
        `INSERT INTO external_sources (name, files, imported_at) VALUES ($1, $2::text::json, $3::text::timestamptz)`,
        [name, JSON.stringify(files), options.at],
      );
      await tx.query(
        `INSERT INTO external_runs (source, position, data)
         SELECT $1::text, r.position::int, r.row FROM json_array_elements($2::text::json) WITH ORDINALITY AS r(row, position)`,
        [name, JSON.stringify(rows).replaceAll('\\u0000', '')],
      );
    });
  }

  async list(): Promise<ExternalSource[]> {
    type Row = { name: string; files: ExternalSource['files']; imported_at: Date; rows: number };
    const rows = await this.#db.query<Row>(
      `SELECT s.name, s.files, s.imported_at, (SELECT count(*)::int FROM external_runs r WHERE r.source = s.name) AS rows
       FROM external_sources s ORDER BY s.name COLLATE "C"`,
    );
    return rows.map(({ name, files, imported_at, rows: count }) => ({
      name,
      files,
      importedAt: imported_at.toISOString(),
      rows: count,
    }));
  }

  /** The rows of a source, in their order. @throws TriggerlabError (input) for a name that the store does not know. */
  async rows<T>(name: string): Promise<T[]> {
    await this.#mustExist(name);
    const rows = await this.#db.query<{ data: T }>(
      'SELECT data FROM external_runs WHERE source = $1 ORDER BY position',
      [name],
    );
    return rows.map((row) => row.data);
  }

  /** @throws TriggerlabError (input) for a name that the store does not know. */
  async remove(name: string): Promise<void> {
    await this.#mustExist(name);
    await this.#db.query('DELETE FROM external_sources WHERE name = $1', [name]);
  }

  async #mustExist(name: string): Promise<void> {
    const known = (await this.list()).map((source) => source.name);
    if (known.includes(name)) return;
    throw inputError(`no imported results "${name}" in the store at ${this.#location}`, {
      hint: known.length > 0 ? didYouMean(name, known) : 'triggerlab import FILE.csv --as NAME brings some in.',
    });
  }
}
