// Files that belong to runs: their rows in the database, their bytes in content-addressed files.
import type { ArtifactFiles } from './artifact-files.ts';
import type { Database } from './database.ts';

export class RunArtifacts {
  readonly #db: Database;
  readonly #files: ArtifactFiles;
  readonly #warn: (message: string) => void;
  readonly #elsewhere: boolean;

  constructor(db: Database, files: ArtifactFiles, warn: (message: string) => void, elsewhere = false) {
    this.#elsewhere = elsewhere;
    this.#db = db;
    this.#files = files;
    this.#warn = warn;
  }

  /** Keeps a file that belongs to a run, replacing one of the same kind. The file is whole before its row exists. */
  async put(runId: string, kind: string, bytes: Uint8Array): Promise<void> {
    const sha256 = await this.#files.put(bytes);
    const replaced = await this.#db.transaction(async (tx) => {
      const [old] = await tx.query<{ sha256: string }>('SELECT sha256 FROM artifacts WHERE run_id = $1 AND kind = $2', [
        runId,
        kind,
      ]);
      await tx.query(
        `INSERT INTO artifacts (run_id, kind, sha256, bytes, created_at)
         VALUES ($1, $2, $3, $4::bigint, $5::text::timestamptz)
         ON CONFLICT (run_id, kind) DO UPDATE
         SET sha256 = excluded.sha256, bytes = excluded.bytes, created_at = excluded.created_at`,
        [runId, kind, sha256, bytes.length, new Date().toISOString()],
      );
      return old && old.sha256 !== sha256 ? [old.sha256] : [];
    });
    await this.removeUnused(replaced);
  }

  /** A run's file of a kind; undefined when there is none, or (with a warning) when the file is missing or damaged. */
  async get(runId: string, kind: string): Promise<Uint8Array | undefined> {
    const [row] = await this.#db.query<{ sha256: string }>(
      'SELECT sha256 FROM artifacts WHERE run_id = $1 AND kind = $2',
      [runId, kind],
    );
    if (!row) return undefined;
    const found = await this.#files.get(row.sha256);
    if (typeof found !== 'string') return found;
    if (found === 'missing' && this.#elsewhere) return undefined;
    this.#warn(`the ${kind} of run ${runId} is ${found} (${this.#files.pathOf(row.sha256)}) and is not used`);
    return undefined;
  }

  /** Removes files that no run refers to any more. */
  async removeUnused(hashes: readonly string[]): Promise<void> {
    for (const sha256 of new Set(hashes)) {
      const [used] = await this.#db.query('SELECT run_id FROM artifacts WHERE sha256 = $1 LIMIT 1', [sha256]);
      if (!used) await this.#files.remove(sha256);
    }
  }
}
