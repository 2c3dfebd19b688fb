// A published CSV file → records. Files come from others: bounded, and refused with file and line where they are not understood.
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'csv-parse/sync';
import { inputError, messageOf } from '../../core/errors.ts';
import { sha256Hex } from '../../core/hash.ts';
import { flagFaults } from './faults.ts';
import { type ColumnMapping, fieldValue, MAPPINGS, type Mapping, recognise } from './mapping.ts';
import type { ExternalRun, ExternalValues, FieldName } from './record.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_ROWS = 200_000;
const MAX_COLUMNS = 500;

export interface ReadFile {
  readonly file: string;
  readonly sha256: string;
  readonly mapping: string;
  readonly runs: readonly ExternalRun[];
}

/**
 * Reads one file, flags what is wrong with its rows, and keeps nothing that it does not know. `mapping` is recognised
 * from the header unless given.
 * @throws TriggerlabError (input) for a file that cannot be read, or a value that does not fit its field.
 */
export function readExternalCsv(
  path: string,
  source: string,
  given?: Mapping,
  constants: ExternalValues = {},
): ReadFile {
  const text = readText(path);
  const [header, ...rows] = parseRows(path, text);
  if (!header || rows.length === 0)
    throw inputError(`${path} has no rows`, { hint: 'A CSV file with a header is expected.' });
  const mapping = given ?? recognise(header);
  if (!mapping) {
    throw inputError(`${path}: no mapping fits its columns (${header.slice(0, 12).join(', ')})`, {
      hint: `Name one with --mapping: ${MAPPINGS.map((one) => one.name).join(', ')}, or a YAML file of your own (docs/analysis.md).`,
    });
  }
  const places = columnPlaces(path, header, mapping, given !== undefined);
  const shared = { ...attackOf(path, mapping), ...mapping.constants, ...constants };
  const file = basename(path);
  const runs = rows.map((row, at): ExternalRun => {
    const values: Record<string, unknown> = { ...shared };
    for (const [field, place, column] of places) {
      const cell = (row[place] ?? '').trim();
      if (cell !== '' && !(field in constants))
        values[field] = fieldValue(field, cell, column, `${path}, line ${at + 2}`);
    }
    return { source, file, line: at + 2, kind: mapping.kind, values: values as ExternalValues, faults: [] };
  });
  return { file, sha256: sha256Hex(text), mapping: mapping.name, runs: flagFaults(runs) };
}

function readText(path: string): string {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw new Error('not a file');
    if (stats.size > MAX_BYTES) throw new Error(`${stats.size} bytes are more than the ${MAX_BYTES} that are read`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw inputError(`${path} cannot be read: ${messageOf(cause)}`, { hint: 'Name CSV files that exist.', cause });
  }
}

function parseRows(path: string, text: string): string[][] {
  try {
    const rows = parse(text, { bom: true, skip_empty_lines: true, to: MAX_ROWS + 2, max_record_size: 1_000_000 });
    if (rows.length > MAX_ROWS + 1) throw new Error(`more than ${MAX_ROWS} rows`);
    if (rows.length > 0 && rows[0].length > MAX_COLUMNS) throw new Error(`more than ${MAX_COLUMNS} columns`);
    return rows.map((row, at) => (at === 0 ? row.map((name) => name.trim()) : row));
  } catch (cause) {
    throw inputError(`${path} is no CSV file that can be read: ${messageOf(cause)}`, {
      hint: 'Expected: comma-separated values with a header, every row as long as the header.',
      cause,
    });
  }
}

function columnPlaces(path: string, header: readonly string[], mapping: Mapping, strict: boolean) {
  const places: [FieldName, number, ColumnMapping][] = [];
  for (const [field, column] of Object.entries(mapping.columns) as [FieldName, ColumnMapping][]) {
    const place = header.indexOf(column.column);
    if (place >= 0) places.push([field, place, column]);
    // A mapping of one's own should not go wrong in silence; ours cover files with and without some columns.
    else if (strict && !mapping.recognise) {
      throw inputError(
        `${path} has no column "${column.column}", which the mapping ${mapping.name} reads ${field} from`,
        {
          hint: `Its columns: ${header.join(', ')}.`,
        },
      );
    }
  }
  if (places.length === 0) throw inputError(`${path} has none of the columns of the mapping ${mapping.name}`);
  return places;
}

/** The authors of the SoK keep the results of each attack in a folder of its name. */
function attackOf(path: string, mapping: Mapping): ExternalValues {
  if (!mapping.attackFromPath) return {};
  const folders = path.split(/[\\/]/).map((part) => part.toLowerCase());
  const attack = ['ssba', 'wanet', 'badnets'].find((name) => folders.includes(name));
  return attack ? { attack } : {};
}
