// Tables for terminals and logs: aligned columns, two spaces between them, a rule under the header.

export interface TextColumn {
  readonly title: string;
  /** Which side the cells (and the title) line up on; left unless said otherwise. */
  readonly align?: 'left' | 'right';
}

const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u;

/** Terminal columns that a text takes: 2 for East Asian wide characters and emoji, 0 for combining marks, 1 otherwise. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += INVISIBLE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Control characters (line breaks, tabs, terminal escapes) become spaces, so that a cell stays a cell. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}

/**
 * A plain text table without a final line break and without trailing spaces. Rows shorter than `columns` are filled
 * with empty cells.
 * @throws RangeError for a row with more cells than there are columns.
 */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => {
    if (row.length > columns.length) {
      throw new RangeError(`textTable: a row has ${row.length} cells, the table ${columns.length} columns`);
    }
    return columns.map((_, at) => oneLine(row[at] ?? ''));
  });
  const titles = columns.map((column) => oneLine(column.title));
  const widths = columns.map((_, at) => Math.max(...[titles, ...cells].map((row) => displayWidth(row[at]))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => {
        const space = ' '.repeat(widths[at] - displayWidth(cell));
        return columns[at].align === 'right' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return [line(titles), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
}
