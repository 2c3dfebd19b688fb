// The report's tables: results, runs that did not finish, and all runs with their ids.
import { attackParameters, compareFactor, factorTitle, formatFactor, isClean } from '../analysis/factors.ts';
import { formatSeconds } from '../core/format.ts';
import { canonicalJson } from '../core/hash.ts';
import { datasetLabel, modelLabel } from '../core/references.ts';
import type { RunRecord } from '../store/records.ts';
import { type Html, html, trusted } from './html-template.ts';
import type { ResultsCell, ResultsColumn, ResultsTable } from './results-table.ts';

/** A table in a box that scrolls sideways by itself and can be reached by keyboard. */
function scrollBox(id: string, table: Html): Html {
  return html`<div class="scroll" role="region" aria-labelledby="${id}-caption" tabindex="0">${table}</div>`;
}

/** More rows than these make a page slow to load and to read. */
const MAX_SETTINGS = 500;
const MAX_RUNS = 2000;

/** The results table; the first column names the rows, a heavier rule parts the levels of the first factor. */
export function resultsHtml(table: ResultsTable): Html {
  const head = table.columns.map(
    (column) => html`<th scope="col"${column.kind === 'factor' ? '' : trusted(' class="number"')}>${column.title}</th>`,
  );
  const shown = table.rows.slice(0, MAX_SETTINGS);
  const more =
    table.rows.length > MAX_SETTINGS
      ? [`The first ${MAX_SETTINGS} of ${table.rows.length} settings; results.csv has all of them.`]
      : [];
  const rows = shown.map((row, at) => {
    const first = row.cells[0].value;
    const parts =
      at > 0 && table.columns[0].kind === 'factor' && compareFactor(first, table.rows[at - 1].cells[0].value) !== 0;
    const cells = row.cells.map((cell, column) => cellHtml(cell, table.columns[column], column === 0));
    return html`<tr${parts ? trusted(' class="break"') : ''}>${cells}</tr>\n`;
  });
  const caption = html`<caption id="results-caption"><span><strong>Results by setting.</strong> ${
    table.caption ? `All runs: ${table.caption}.` : ''
  }</span></caption>`;
  return html`${scrollBox(
    'results',
    html`<table class="sortable">${caption}<thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table>`,
  )}<ul class="notes">${[...more, ...table.footer].map((note) => html`<li>${note}</li>`)}</ul>`;
}

function cellHtml(cell: ResultsCell, column: ResultsColumn, isHead: boolean): Html {
  const { value, text } = cell;
  const key =
    value === null || value === undefined ? '' : typeof value === 'object' ? canonicalJson(value) : String(value);
  const bar = column.name === 'asr' || column.name === 'naturalAsr' ? cell.estimate : undefined;
  const kind = column.kind === 'factor' ? [] : ['number'];
  const classes = [...kind, ...(bar ? ['share'] : [])].join(' ');
  const attributes = html`${classes ? html` class="${classes}"` : ''}${
    bar ? html` style="--share:${bar.mean.toFixed(4)}"` : ''
  } data-value="${key}"`;
  return isHead ? html`<th scope="row"${attributes}>${text}</th>` : html`<td${attributes}>${text}</td>`;
}

/** Runs that failed or were skipped, with the reason each gave; undefined when there are none. */
export function unfinishedHtml(runs: readonly RunRecord[]): Html | undefined {
  const stopped = runs.filter((run) => run.status === 'failed' || run.status === 'skipped');
  if (stopped.length === 0) return undefined;
  const rows = stopped.map(
    (run) =>
      html`<tr><th scope="row"><code>${run.runId}</code></th><td><span class="${run.status}">${run.status}</span></td><td class="wrap">${settingOf(run)}</td><td class="wrap">${run.error ?? 'no reason recorded'}</td></tr>\n`,
  );
  return scrollBox(
    'unfinished',
    html`<table><caption id="unfinished-caption"><span>Left out of every average above.</span></caption><thead><tr><th scope="col">run</th><th scope="col">status</th><th scope="col">setting</th><th scope="col">reason</th></tr></thead><tbody>${rows}</tbody></table>`,
  );
}

/** Every run with its id, setting and time. */
export function runsHtml(runs: readonly RunRecord[]): Html {
  if (runs.length > MAX_RUNS) return html`<p>Too many to list here: runs.csv has all of them with their ids.</p>`;
  const rows = runs.map(
    (run) =>
      html`<tr><th scope="row"><code>${run.runId}</code></th><td>${run.status}</td><td class="wrap">${settingOf(run)}</td><td class="number">${run.spec.seed}</td><td class="number">${
        run.metrics ? formatSeconds(run.metrics.seconds) : '–'
      }</td></tr>\n`,
  );
  return scrollBox(
    'runs',
    html`<table><caption id="runs-caption"><span>Run ids are hashes of everything that decides a result: equal ids, equal results.</span></caption><thead><tr><th scope="col">run</th><th scope="col">status</th><th scope="col">setting</th><th scope="col" class="number">seed</th><th scope="col" class="number">time</th></tr></thead><tbody>${rows}</tbody></table>`,
  );
}

function settingOf({ spec }: RunRecord): string {
  const attack = isClean(spec)
    ? ['no attack']
    : [
        spec.attack.type,
        ...attackParameters(spec.attack).map(([name, value]) => `${factorTitle(name)} ${formatFactor(name, value)}`),
        `ε ${formatFactor('poisonRate', spec.poisonRate)}`,
      ];
  return [datasetLabel(spec.dataset), modelLabel(spec.model), `freeze ${spec.freeze}`, ...attack].join(', ');
}
