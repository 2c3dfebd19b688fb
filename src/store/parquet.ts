// Flat runs as a Parquet file, the columns as in CSV.
import { parquetWriteBuffer } from 'hyparquet-writer';
import { cellText, columnNames, columnsOf, type FlatRun } from './flatten.ts';

/**
 * The file's bytes. A column of numbers is DOUBLE, one of truth values BOOLEAN, any other UTF-8 text (lists and objects as
 * JSON); what a run does not have is null.
 */
export function runsToParquet(runs: readonly FlatRun[]): Uint8Array {
  const rows = runs.map(columnsOf);
  const columnData = columnNames(runs).map((name) => {
    const values = rows.map((row) => row.get(name) ?? null);
    const present = values.filter((value) => value !== null);
    const all = (kind: 'number' | 'boolean') => present.length > 0 && present.every((value) => typeof value === kind);
    if (all('number')) return { name, data: values as (number | null)[], type: 'DOUBLE' as const };
    if (all('boolean')) return { name, data: values as (boolean | null)[], type: 'BOOLEAN' as const };
    return { name, data: values.map((value) => (value === null ? null : cellText(value))), type: 'STRING' as const };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
