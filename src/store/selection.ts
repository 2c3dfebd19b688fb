// Some runs of a store, told about without loading them: their settings, how many are where, a page of them, means of their metrics.
import type { RunSpec } from '../spec/run-spec.ts';
import type { Database, SqlParameter } from './database.ts';
import type { RunMetrics, RunRecord, RunStatus } from './records.ts';
import { METRIC_COLUMNS, RUN_COLUMNS, type RunRow, recordOf } from './rows.ts';
import { isRunField, runConditionSql } from './run-conditions.ts';
import type { Condition } from './where.ts';

/** Metrics that are single numbers. */
export type NumberMetric = Exclude<keyof RunMetrics, 'epochLosses'>;

/** What runs that differ in nothing but the seed have in common. */
export interface Setting {
  readonly id: string;
  /** The spec of one of its runs. */
  readonly spec: RunSpec;
}

/** Finished runs put together. */
export interface Summary {
  readonly group: number;
  /** Set where seeds are kept apart. */
  readonly seed: number | null;
  readonly n: number;
  /** Over the runs that have the metric; those that none has are left out. `sd` is the sample's, null for one run. */
  readonly metrics: Readonly<Partial<Record<NumberMetric, { mean: number; sd: number | null; n: number }>>>;
}

export type StatusCounts = Readonly<Record<RunStatus, number>>;

/** Where every run stands in the whole store: in the order of the experiments' creation, runs of none at the end. */
const PLACES = `
  (SELECT e.run_id, min(x.rank * 4294967296 + e.position) AS position
   FROM experiment_runs e
   JOIN (SELECT name, row_number() OVER (ORDER BY created_at, name COLLATE "C") AS rank FROM experiments) x
     ON x.name = e.experiment
   GROUP BY e.run_id)`;

/** Runs that are in memory at a time where all are gone through. */
const BATCH = 1000;

export class Selection {
  readonly #db: Database;
  readonly #experiment: string | undefined;
  /** What was said of fields of settings, as the ids of the settings that meet it; undefined: nothing. */
  readonly #settings: readonly Setting[] | undefined;
  readonly #conditions: readonly Condition[];

  /** All runs of an experiment, or of the store. */
  constructor(db: Database, experiment?: string, settings?: readonly Setting[], conditions: readonly Condition[] = []) {
    this.#db = db;
    this.#experiment = experiment;
    this.#settings = settings;
    this.#conditions = conditions;
  }

  /**
   * Those of the runs that meet every condition.
   * @param check refuses fields that no run has, under the name of this option.
   * @throws TriggerlabError (input) for such a field.
   */
  async where(conditions: readonly Condition[], check?: string): Promise<Selection> {
    if (conditions.length === 0) return this;
    const [ofRuns, others] = partition(conditions);
    const known = [...this.#conditions, ...ofRuns];
    // What is asked of runs alone needs no look at the settings.
    if (others.length === 0) return new Selection(this.#db, this.#experiment, this.#settings, known);
    // Loaded here because it brings in all triggers, whose parameters are fields: to count runs and read results nobody needs them.
    const { checkFields, matches } = await import('./where.ts');
    const settings = await this.settings();
    const fields = checkFields(
      check,
      others.map(({ field }) => field),
      settings.map(({ spec }) => plannedRecord(spec)),
    );
    const [more, ofSettings] = partition(others.map(({ values }, at) => ({ field: fields[at], values })));
    const kept = settings.filter(({ spec }) => matches(plannedRecord(spec), ofSettings));
    return new Selection(this.#db, this.#experiment, kept, [...known, ...more]);
  }

  /** The settings of the runs, in the order of their first runs. */
  async settings(): Promise<readonly Setting[]> {
    if (this.#settings && this.#conditions.length === 0) return this.#settings;
    const { from, where, order, parameters } = this.#scope({ ordered: true });
    return this.#db.query<Setting>(
      `SELECT f.setting AS id, r.spec
       FROM (SELECT r.setting, min(r.run_id COLLATE "C") AS run_id, min(${order}) AS place FROM ${from} WHERE ${where}
             GROUP BY r.setting) f
       JOIN runs r USING (run_id) ORDER BY f.place NULLS LAST, f.run_id COLLATE "C"`,
      parameters,
    );
  }

  /** How many runs are in which state. */
  async counts(): Promise<StatusCounts> {
    const { from, where, parameters } = this.#scope();
    const rows = await this.#db.query<{ status: RunStatus; n: number }>(
      `SELECT r.status, count(*)::int AS n FROM ${from} WHERE ${where} GROUP BY r.status`,
      parameters,
    );
    return {
      ...{ pending: 0, running: 0, done: 0, failed: 0, skipped: 0 },
      ...Object.fromEntries(rows.map(({ status, n }) => [status, n])),
    };
  }

  /** Runs in their order, all of them or a page. */
  async runs({ limit, offset = 0 }: { limit?: number | undefined; offset?: number } = {}): Promise<RunRecord[]> {
    const { from, where, order, parameters, add } = this.#scope({ ordered: true });
    const page = `LIMIT ${add(limit ?? null)}::int OFFSET ${add(offset)}::int`;
    // Sorted before the wide columns are read: sorting them takes files on the disk.
    const rows = await this.#db.query<RunRow>(
      `SELECT ${RUN_COLUMNS}
       FROM (SELECT r.run_id, row_number() OVER (ORDER BY ${order} NULLS LAST, r.run_id COLLATE "C") AS place
             FROM ${from} WHERE ${where} ORDER BY 2 ${page}) f
       JOIN runs r USING (run_id) ORDER BY f.place`,
      parameters,
    );
    return rows.map(recordOf);
  }

  /** Runs in their order, all of them or a page, some at a time: memory stays bounded. */
  async *batches({
    limit = Number.POSITIVE_INFINITY,
    offset = 0,
  }: {
    limit?: number | undefined;
    offset?: number;
  } = {}): AsyncGenerator<RunRecord[]> {
    for (let at = 0; at < limit; at += BATCH) {
      const runs = await this.runs({ limit: Math.min(BATCH, limit - at), offset: offset + at });
      if (runs.length > 0) yield runs;
      if (runs.length < BATCH) return;
    }
  }

  /** Means of finished runs by groups of settings (`groups` has each setting's), where `bySeed` says so by seed, too. */
  async summaries(
    groups: ReadonlyMap<string, number>,
    metrics: readonly NumberMetric[],
    bySeed = false,
  ): Promise<Summary[]> {
    const { from, where, parameters, add } = this.#scope();
    // Looked up by key, not joined: of a list of values the database takes a hundred for granted, and chooses the order of joins by that.
    const table = `(SELECT ${add(JSON.stringify(Object.fromEntries(groups)))}::text::jsonb AS groups)`;
    const group = '(g.groups ->> r.setting)::int';
    const columns = metrics.map((name, at) => {
      const value = `r.${METRIC_COLUMNS[name]}::float8`;
      // NaN counts as larger than infinity.
      const finite = `FILTER (WHERE abs(${value}) < 'Infinity')`;
      return `, avg(${value}) ${finite} AS mean${at}, stddev_samp(${value}) ${finite} AS sd${at},
        (count(${value}) ${finite})::int AS n${at}`;
    });
    type Row = { group: number; seed: number | null; n: number } & Record<string, number | null>;
    const rows = await this.#db.query<Row>(
      `WITH g AS MATERIALIZED ${table}
       SELECT ${group} AS "group", ${bySeed ? 'r.seed' : 'NULL::int AS seed'}, count(*)::int AS n ${columns.join('')}
       FROM g, ${from} WHERE ${where} AND r.status = 'done' GROUP BY 1, 2 HAVING ${group} IS NOT NULL ORDER BY 1, 2`,
      parameters,
    );
    return rows.map((row) => ({
      ...{ group: row.group, seed: row.seed, n: row.n },
      metrics: Object.fromEntries(
        metrics.flatMap((name, at) => {
          const [mean, sd, n] = [row[`mean${at}`], row[`sd${at}`], row[`n${at}`]];
          return mean === null ? [] : [[name, { mean, sd, n }]];
        }),
      ),
    }));
  }

  /** The parts of a statement over the runs `r`; `ordered` where it needs their order too. */
  #scope({ ordered = false } = {}) {
    const parameters: SqlParameter[] = [];
    const add = (value: SqlParameter) => `$${parameters.push(value)}`;
    const where: string[] = [];
    let from = ordered ? `runs r LEFT JOIN ${PLACES} p USING (run_id)` : 'runs r';
    if (this.#experiment !== undefined) {
      from = 'experiment_runs p JOIN runs r USING (run_id)';
      where.push(`p.experiment = ${add(this.#experiment)}`);
    }
    if (this.#settings) {
      const ids = add(JSON.stringify(this.#settings.map(({ id }) => id)));
      where.push(`r.setting IN (SELECT json_array_elements_text(${ids}::text::json))`);
    }
    where.push(...this.#conditions.map((condition) => runConditionSql(condition, add)));
    return { from, where: where.join(' AND ') || 'true', order: 'p.position', parameters, add };
  }
}

/** Conditions on runs, and on settings. */
function partition(conditions: readonly Condition[]): [ofRuns: Condition[], others: Condition[]] {
  return [conditions.filter(({ field }) => isRunField(field)), conditions.filter(({ field }) => !isRunField(field))];
}

/** A setting as a run that has not been done: for what is asked of settings. */
export function plannedRecord(spec: RunSpec): RunRecord {
  return {
    ...{
      runId: '',
      twinId: null,
      baseId: null,
      defense: null,
      spec,
      status: 'pending',
      metrics: null,
      environment: null,
      error: null,
    },
    ...{ experiments: [], startedAt: null, finishedAt: null },
  };
}
