// A table as data, written as text, CSV, LaTeX or HTML: what people read beside what programs read.
import { csvText } from '../store/csv.ts';
import { type Html, html } from './html-template.ts';
import { latexText } from './latex.ts';
import { textTable } from './text-table.ts';

export interface DataColumn {
  /** For CSV headers. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly align?: 'left' | 'right';
}

export interface DataCell {
  readonly text: string;
  /** At full precision; the text where it is left out. */
  readonly value?: unknown;
  /** How it is set off: a verdict for, against, or of less weight. */
  readonly mark?: 'good' | 'bad' | 'quiet';
}

export interface DataTable {
  /** For file names and ids: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly caption: string;
  readonly columns: readonly DataColumn[];
  readonly rows: readonly (readonly DataCell[])[];
  readonly notes: readonly string[];
}

/** For a terminal, without a final line break. */
export function dataTableText(table: DataTable): string {
  const columns = table.columns.map(({ title, align }) => ({ title, align: align ?? 'left' }));
  const rows = table.rows.map((row) => row.map((cell) => cell.text));
  return [table.caption, '', textTable(columns, rows), ...(table.notes.length > 0 ? ['', ...table.notes] : [])].join(
    '\n',
  );
}

export function dataTableCsv(table: DataTable): string {
  return csvText(
    table.columns.map((column) => column.name),
    table.rows.map((row) => row.map(({ text, value }) => withoutFormula(value === undefined ? text : value))),
  );
}

/** Spreadsheets would take a text that begins so for a formula. */
export function withoutFormula(value: unknown): unknown {
  return typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}

/** A `table` environment with booktabs rules; needs `\usepackage{booktabs}`. */
export function dataTableLatex(table: DataTable): string {
  const layout = table.columns.map(({ align }) => (align === 'right' ? 'r' : 'l')).join('');
  const line = (cells: readonly string[]) => `${cells.map(latexText).join(' & ')} \\\\`;
  return `${[
    '\\begin{table}',
    '\\centering',
    `\\caption{${latexText(table.caption)}}`,
    `\\label{tab:${table.name}}`,
    `\\begin{tabular}{${layout}}`,
    '\\toprule',
    line(table.columns.map((column) => column.title)),
    '\\midrule',
    ...table.rows.map((row) => line(row.map((cell) => cell.text))),
    '\\bottomrule',
    '\\end{tabular}',
    ...table.notes.map((note) => `\\par\\smallskip{\\footnotesize ${latexText(note)}}`),
    '\\end{table}',
  ].join('\n')}\n`;
}

/** In a box that scrolls sideways by itself and can be reached by keyboard; the first column names the rows. */
export function dataTableHtml(table: DataTable): Html {
  const side = (at: number) => (table.columns[at].align === 'right' ? html` class="number"` : undefined);
  const head = table.columns.map(({ title }, at) => html`<th scope="col"${side(at)}>${title}</th>`);
  const body = table.rows.map((row) => {
    const cells = row.map(({ text, value, mark }, at) => {
      const key = typeof value === 'number' || typeof value === 'string' ? value : text;
      const shown = mark ? html`<span class="${mark}">${text}</span>` : text;
      const long = text.length > 40 ? html` class="wrap"` : side(at);
      return at === 0
        ? html`<th scope="row"${long} data-value="${key}">${shown}</th>`
        : html`<td${long} data-value="${key}">${shown}</td>`;
    });
    return html`<tr>${cells}</tr>\n`;
  });
  const notes =
    table.notes.length > 0 ? html`<ul class="notes">${table.notes.map((note) => html`<li>${note}</li>`)}</ul>` : '';
  return html`<div class="scroll" role="region" aria-labelledby="${table.name}-caption" tabindex="0"><table class="sortable"><caption id="${table.name}-caption"><span>${table.caption}</span></caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>${notes}`;
}
