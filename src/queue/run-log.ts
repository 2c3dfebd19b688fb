// What happens to runs, as rows that every command can read: gathered in memory and written together.
import { type Database, sqlText } from '../store/database.ts';

export interface RunEvent {
  readonly runId: string;
  /** ISO 8601, by the clock of the worker. */
  readonly at: string;
  readonly worker: string | null;
  /** `claimed`, `resumed`, `epoch`, `checkpoint`, `done`, `failed`, `skipped`, `handed back`, `lost`. */
  readonly kind: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

export interface EpochRow {
  readonly epoch: number;
  /** Mean training loss. */
  readonly loss: number;
  /** Seconds since the run's training began; null when it is not known. */
  readonly seconds: number | null;
}

export class RunLog {
  readonly #db: Database;
  readonly #worker: string;
  #events: object[] = [];
  #epochs: object[] = [];

  constructor(db: Database, worker: string) {
    this.#db = db;
    this.#worker = worker;
  }

  note(runId: string, kind: string, detail?: Readonly<Record<string, unknown>>): void {
    const clean = detail && JSON.parse(sqlText(JSON.stringify(detail)).replaceAll('\\u0000', ''));
    this.#events.push({ run_id: runId, at: new Date().toISOString(), kind, detail: clean ?? null });
  }

  epoch(runId: string, { epoch, loss, seconds }: EpochRow): void {
    this.#epochs.push({ run_id: runId, epoch, loss, seconds });
  }

  /** Writes what was gathered; a run that was removed meanwhile is passed over, an epoch that is known stays as it is. */
  async flush(): Promise<void> {
    const [events, epochs] = [this.#events, this.#epochs];
    [this.#events, this.#epochs] = [[], []];
    try {
      if (epochs.length > 0) {
        await this.#db.query(
          `INSERT INTO epochs (run_id, epoch, loss, seconds)
           SELECT e.run_id, e.epoch, e.loss, e.seconds
           FROM json_to_recordset($1::text::json) AS e(run_id text, epoch int, loss float8, seconds float8)
           JOIN runs USING (run_id) ON CONFLICT DO NOTHING`,
          [JSON.stringify(epochs)],
        );
        epochs.length = 0;
      }
      if (events.length > 0) {
        await this.#db.query(
          `INSERT INTO run_events (run_id, at, worker, kind, detail)
           SELECT e.run_id, e.at, $2, e.kind, e.detail
           FROM json_to_recordset($1::text::json) AS e(run_id text, at timestamptz, kind text, detail json)
           JOIN runs USING (run_id)`,
          [JSON.stringify(events), this.#worker],
        );
        events.length = 0;
      }
    } finally {
      // Kept for the next time when the database could not be reached.
      this.#events.unshift(...events);
      this.#epochs.unshift(...epochs);
    }
  }
}

/** Events of a run after the one numbered `after`, oldest first, each with its number. */
export async function eventsOf(db: Database, runId: string, after = 0): Promise<(RunEvent & { id: number })[]> {
  type Row = { id: string; at: Date; worker: string | null; kind: string; detail: RunEvent['detail'] };
  const rows = await db.query<Row>(
    `SELECT id::text, at, worker, kind, detail FROM run_events
     WHERE run_id = $1 AND id > $2::bigint ORDER BY id LIMIT 10000`,
    [runId, after],
  );
  return rows.map((row) => ({ ...row, id: Number(row.id), runId, at: row.at.toISOString() }));
}

/** Epochs of a run, in order. */
export function epochsOf(db: Database, runId: string): Promise<EpochRow[]> {
  return db.query<EpochRow>('SELECT epoch, loss, seconds FROM epochs WHERE run_id = $1 ORDER BY epoch', [runId]);
}
