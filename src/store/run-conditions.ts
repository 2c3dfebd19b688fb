// Conditions on what belongs to one run rather than to its setting (seed, status, metrics, …), as SQL.
import type { SqlParameter } from './database.ts';
import { METRIC_COLUMNS } from './rows.ts';
import type { Condition } from './where.ts';

interface RunField {
  /** Its value in terms of `runs r`. */
  readonly sql: string;
  readonly kind: 'number' | 'text' | 'json' | 'any';
}

const isoTime = (column: string): RunField => ({
  sql: `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  kind: 'text',
});

/** The fields of a flat run that its setting does not decide. `experiment` is any of a run's experiments. */
const RUN_FIELDS: Readonly<Record<string, RunField>> = {
  ...Object.fromEntries(
    Object.entries(METRIC_COLUMNS).map(([name, column]) => [name, { sql: `r.${column}`, kind: 'number' as const }]),
  ),
  runId: { sql: 'r.run_id', kind: 'text' },
  twinId: { sql: `CASE WHEN r.spec->'defense' IS NULL THEN r.twin_id END`, kind: 'text' },
  baseId: { sql: `CASE WHEN r.spec->'defense' IS NOT NULL THEN r.twin_id END`, kind: 'text' },
  seed: { sql: 'r.seed', kind: 'number' },
  status: { sql: 'r.status', kind: 'text' },
  error: { sql: `CASE WHEN r.status IN ('failed', 'skipped') THEN r.error END`, kind: 'text' },
  epochs: { sql: `coalesce(r.epochs, (r.spec->'training'->>'epochs')::int)`, kind: 'number' },
  epochLosses: { sql: 'array_to_json(r.epoch_losses)', kind: 'json' },
  startedAt: isoTime('r.started_at'),
  finishedAt: isoTime('r.finished_at'),
  experiment: { sql: '', kind: 'text' },
  experiments: {
    sql: `(SELECT jsonb_agg(e.experiment ORDER BY e.experiment COLLATE "C")
           FROM experiment_runs e WHERE e.run_id = r.run_id)`,
    kind: 'json',
  },
};

/** Figures of what a defence found and cost: their names are the defence's own. */
const DEFENSE_FIGURE = /^(defenseMetrics|defenseCost)\.(\w+)$/;

/** Whether a field (in its canonical spelling) is one of a run rather than of its setting. */
export function isRunField(field: string): boolean {
  return Object.hasOwn(RUN_FIELDS, field) || DEFENSE_FIGURE.test(field);
}

function fieldOf(name: string): RunField {
  const [, group, figure] = DEFENSE_FIGURE.exec(name) ?? [];
  if (group === undefined) return RUN_FIELDS[name];
  const figures =
    group === 'defenseMetrics'
      ? 'd.metrics'
      : `json_build_object('seconds', d.seconds, 'forwardPasses', d.forward_passes, 'backwardPasses', d.backward_passes)`;
  return { sql: `(SELECT ${figures}->'${figure}' FROM defenses d WHERE d.run_id = r.run_id)`, kind: 'any' };
}

/**
 * A condition on a field of runs as SQL, with the meaning of `matches` in where.ts.
 * @param parameter registers a value and gives what stands for it in the statement, such as `$3`.
 */
export function runConditionSql({ field, values }: Condition, parameter: (value: SqlParameter) => string): string {
  if (field === 'experiment') {
    const names = values.map(parameter).join(', ');
    return `EXISTS (SELECT FROM experiment_runs e WHERE e.run_id = r.run_id AND e.experiment IN (${names}))`;
  }
  const { sql, kind } = fieldOf(field);
  const alternatives = values.map((wanted) => {
    if (wanted.trim() === '') {
      return wanted === '' ? `(${sql} IS NULL${kind === 'any' ? ` OR ${sql}::text = 'null'` : ''})` : 'false';
    }
    if (kind === 'any') {
      const number = `CASE json_typeof(${sql}) WHEN 'number' THEN ${sql}::text::float8 END`;
      return `(${sql} #>> '{}' = ${parameter(wanted)}::text OR ${numberSql(number, wanted, parameter)})`;
    }
    if (kind === 'number') return numberSql(sql, wanted, parameter);
    if (kind === 'text') return `${sql} = ${parameter(wanted)}::text`;
    return `replace(${sql}::text, ' ', '') = ${parameter(wanted.replace(/\s/g, ''))}::text`;
  });
  return `(${alternatives.join(' OR ')})`;
}

function numberSql(sql: string, wanted: string, parameter: (value: SqlParameter) => string): string {
  const number = wanted.endsWith('%') ? Number(wanted.slice(0, -1)) / 100 : Number(wanted);
  if (!Number.isFinite(number)) return 'false';
  const slack = 1e-12 * Math.abs(number);
  return `${sql} BETWEEN ${parameter(number - slack)}::float8 AND ${parameter(number + slack)}::float8`;
}
