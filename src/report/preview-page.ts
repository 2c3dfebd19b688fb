// The trigger grids of an experiment as one page that needs nothing beside it.

import { panelsOf } from './grid-pictures.ts';
import { type Html, html } from './html-template.ts';
import { pageHtml } from './page.ts';
import type { PositionFigure } from './position-figure.ts';
import type { GridRow, TriggerGrid } from './trigger-grid.ts';

/** A grid with its pictures: `strips[row][panel]`, PNG. */
export interface DrawnGrid {
  readonly grid: TriggerGrid;
  readonly strips: readonly (readonly Uint8Array[])[];
  /** Side of one picture, and size of a strip, in pixels. */
  readonly side: number;
  readonly width: number;
  readonly height: number;
}

export interface PreviewPage {
  readonly experiment: string;
  readonly description: string;
  readonly grids: readonly DrawnGrid[];
  readonly figures: readonly PositionFigure[];
  /** What is not shown, and why. */
  readonly notes: readonly string[];
}

const OWN_STYLE = `
.grid{margin:1.2rem 0 2.4rem}
.grid td,.grid th{vertical-align:middle;border:0}
.grid tbody tr+tr>*{border-top:0}
.positions img{max-width:100%;height:auto}
.grid img{display:block;max-width:none;image-rendering:pixelated}
.grid .columns{display:grid;gap:6px;font-weight:400;font-size:.75rem;color:var(--soft)}
.grid .columns span{overflow:hidden;text-overflow:ellipsis}
main{max-width:none}
`;

/** The page's text; deterministic. */
export function previewHtml({ experiment, description, grids, figures, notes }: PreviewPage): string {
  return pageHtml({
    title: `${experiment} · triggers`,
    skip: 'Skip to the pictures',
    kicker: 'triggerlab preview',
    heading: experiment,
    header: html`${description === '' ? '' : html`<p>${description}</p>`}
<p class="lead">What each trigger looks like on the dataset's own pixels, what is left of it at the model's input, and what changes there. A red frame marks pictures whose model input the trigger leaves as it is.</p>
${notes.length > 0 ? html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>` : ''}`,
    main: html`${
      figures.length > 0
        ? html`<section aria-labelledby="positions"><h2 id="positions">Positions</h2>
${figures.map(figureHtml)}</section>
`
        : ''
    }${grids.map(gridHtml)}`,
    footer: html`<p>Made by triggerlab. The same pictures stand beside this page as PNG files.</p>`,
    style: OWN_STYLE,
  });
}

function figureHtml({ alt, png, width, height }: PositionFigure): Html {
  return html`<figure class="positions"><img src="data:image/png;base64,${png.toString('base64')}" alt="${alt}" width="${width}" height="${height}"></figure>
`;
}

function gridHtml({ grid, strips, side, width, height }: DrawnGrid, number: number): Html {
  const panels = panelsOf(grid);
  const id = `grid-${number + 1}`;
  const columns = html`<div class="columns" style="width:${width}px;grid-template-columns:repeat(${grid.columns.length},${side}px)">${grid.columns.map(
    (column) => html`<span>${column}</span>`,
  )}</div>`;
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${grid.title}</h2>
<p>${capital(grid.image)}; ${grid.chain}.${grid.left > 0 ? ` ${grid.left} more triggers are not shown.` : ''}</p>
<div class="scroll" role="region" aria-label="${grid.title}, pictures" tabindex="0"><table class="grid">
<thead><tr><th scope="col">${grid.down}</th>${panels.map((panel) => html`<th scope="col">${panel.title}${columns}</th>`)}</tr></thead>
<tbody>${grid.rows.map(
    (row, r) =>
      html`<tr><th scope="row">${row.label}</th>${panels.map(
        (panel, p) =>
          html`<td><img src="data:image/png;base64,${Buffer.from(strips[r][p]).toString('base64')}" alt="${altText(grid, row, panel.title, panel.marked)}" width="${width}" height="${height}"></td>`,
      )}</tr>\n`,
  )}</tbody>
</table></div></section>
`;
}

/** What a strip shows, in words, with the number of changed pixels where the panel is about the input. */
function altText(grid: TriggerGrid, row: GridRow, panel: string, counted: boolean): string {
  const cells = grid.columns.map((column, c) => {
    const cell = row.cells[c];
    const name = column === '' ? '' : `${column}: `;
    if (!cell) return `${name}no such trigger`;
    if (!counted) return `${column === '' ? 'the triggered image' : column}`;
    return `${name}${cell.changed === 0 ? 'nothing changes' : `${cell.changed} pixels change`}`;
  });
  return `${panel}. ${grid.down === '' ? '' : `${row.label}. `}${cells.join('; ')}.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
