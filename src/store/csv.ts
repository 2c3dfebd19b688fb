// Comma-separated values (RFC 4180), and flat runs in that form.
import { cellText, columnNames, columnsOf, columnValue, type FlatRun } from './flatten.ts';

/** A header and rows as CSV, lines ended by `\n`: null is empty, numbers are written to their last digit. */
export function csvText(header: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return csvLines([header, ...rows]);
}

function csvLines(rows: readonly (readonly unknown[])[]): string {
  return rows.map((row) => `${row.map((value) => quoted(cellText(value))).join(',')}\n`).join('');
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** All columns of the runs as CSV. */
export function runsToCsv(runs: readonly FlatRun[]): string {
  const names = columnNames(runs);
  return csvText(names, []) + csvRows(names, runs);
}

/** These columns of runs as lines of CSV. */
export function csvRows(names: readonly string[], runs: readonly FlatRun[]): string {
  return csvLines(
    runs.map((run) => {
      const columns = columnsOf(run);
      return names.map((name) => columnValue(columns, name));
    }),
  );
}
