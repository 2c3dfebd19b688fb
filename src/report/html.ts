// The report as one static page: no network, no script needed, readable on a phone, on paper and by a screen reader.
import { stringify } from 'yaml';
import { datasets } from '../data/registry.ts';
import { models } from '../models/registry.ts';
import type { RunRecord } from '../store/records.ts';
import type { Chart } from './charts.ts';
import { dataTableHtml } from './data-table.ts';
import { SORT_SCRIPT } from './html-style.ts';
import { resultsHtml, runsHtml, unfinishedHtml } from './html-tables.ts';
import { type Html, html, trusted } from './html-template.ts';
import { explainedTitle } from './kept-explanation.ts';
import { lintHtml, lintOf, withoutLint } from './lint-section.ts';
import { pageHtml } from './page.ts';
import type { ReportParts } from './parts.ts';
import type { TriggerFigure } from './pictures.ts';
import { METRIC_COLUMNS } from './results-table.ts';
import { haveStealth, STEALTH_COLUMNS } from './stealth-columns.ts';
import { summarizeRuns } from './summary.ts';

/** An experiment as the store keeps it. */
export interface ReportedExperiment {
  readonly name: string;
  /** The spec file as it was given. */
  readonly specText: string;
  /** The spec after defaults, presets and overrides. */
  readonly resolved: unknown;
}

export interface ReportPage extends ReportParts {
  readonly experiment: ReportedExperiment;
  readonly runs: readonly RunRecord[];
  readonly pictures: readonly TriggerFigure[];
  /** What to know about the pictures: how many are left out, why there are none. */
  readonly pictureNotes: readonly string[];
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

/** The page's text. Deterministic: the same runs give the same page. */
export function reportHtml(page: ReportPage): string {
  const { name } = page.experiment;
  const summary = summarizeRuns(page.runs);
  const sections = sectionsOf(page);
  const description = resolvedDescription(page.experiment.resolved);
  return pageHtml({
    title: `${name} · triggerlab report`,
    skip: 'Skip to the results',
    kicker: 'triggerlab report',
    heading: name,
    header: html`${description ? html`<p>${description}</p>` : ''}<p class="lead">${summary.sentences.join(' ')}</p>
${
  summary.figures.length > 0
    ? html`<dl class="figures">${summary.figures.map(
        (figure) =>
          html`<div><dt>${figure.label}</dt><dd class="value">${figure.value}</dd><dd class="note">${figure.note}</dd></div>`,
      )}</dl>`
    : ''
}
<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>`,
    main: html`${sections.map(
      ({ id, title, body }) =>
        html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>\n${body}\n</section>\n`,
    )}`,
    footer: html`<p>Made by triggerlab ${versionsOf(page.runs, 'triggerlab')} from recorded runs. Tables and figures stand beside this page as CSV and SVG files.</p>`,
    script: SORT_SCRIPT,
  });
}

function sectionsOf(page: ReportPage): Section[] {
  const unfinished = unfinishedHtml(page.runs);
  const lint = lintOf(page.experiment.resolved);
  const results =
    page.table.rows.length > 0
      ? resultsHtml(page.table)
      : html`<p>No run has finished.</p><ul class="notes">${page.table.footer.map((note) => html`<li>${note}</li>`)}</ul>`;
  return [
    { id: 'results', title: 'Results', body: results },
    ...(unfinished ? [{ id: 'unfinished', title: 'Runs that did not finish', body: unfinished }] : []),
    ...optional('clean-accuracy', 'Clean accuracy', page.cleanAccuracy && dataTableHtml(page.cleanAccuracy)),
    ...optional('curves', 'Attack success against poisoning rate', curvesHtml(page)),
    ...optional('heat', 'Position and size', chartsHtml(page.heat)),
    ...optional('freeze', 'How much of the network is trained', chartsHtml(page.freeze)),
    ...optional('attribution', 'Which characteristic matters', attributionHtml(page)),
    ...optional(
      'claims',
      'The paper’s claims',
      page.claims.length > 0 ? html`${page.claims.map(dataTableHtml)}` : undefined,
    ),
    ...optional('defenses', 'Defences', defensesHtml(page)),
    ...optional('explanations', 'Where the networks look', explanationsHtml(page)),
    ...optional('comparison', 'Beside published results', comparisonHtml(page)),
    ...(page.pictures.length + page.pictureNotes.length > 0
      ? [{ id: 'triggers', title: 'The triggers, stamped', body: picturesHtml(page) }]
      : []),
    ...(page.cad ? [{ id: 'cad', title: 'What the attack costs on clean images', body: chartHtml(page.cad) }] : []),
    ...optional('power', 'How many repeats an effect needs', page.power && dataTableHtml(page.power)),
    ...optional('cost', 'What it took', page.cost && dataTableHtml(page.cost)),
    ...(lint ? [{ id: 'lint', title: 'What lint found before it ran', body: lintHtml(lint) }] : []),
    { id: 'what-was-run', title: 'What was run', body: provenanceHtml(page) },
    { id: 'caveats', title: 'How to read these figures', body: caveatsHtml(page.runs) },
  ];
}

function optional(id: string, title: string, body: Html | undefined): Section[] {
  return body ? [{ id, title, body }] : [];
}

/** More charts than these are folded up, the first two open. */
const UNFOLDED = 6;

function chartsHtml(charts: readonly Chart[]): Html | undefined {
  if (charts.length === 0) return undefined;
  if (charts.length <= UNFOLDED) return html`${charts.map(chartHtml)}`;
  return html`${charts.map(
    (chart, at) =>
      html`<details${at < 2 ? trusted(' open') : ''}><summary>${chart.title}</summary>${chartHtml(chart)}</details>\n`,
  )}`;
}

function curvesHtml({ asr, rates }: ReportPage): Html | undefined {
  const left = rates.all - rates.charts.length;
  const more =
    left > 0 ? html`<p>${left} more figures of this kind are left out; results.csv has their numbers.</p>` : '';
  const parts = [chartsHtml(asr), chartsHtml(rates.charts)].flatMap((part) => part ?? []);
  const legend =
    'In the figures by size, bars are mean ± one standard deviation over seeds; hollow points at ε = 0 are the natural ASR.';
  return parts.length > 0 ? html`${rates.charts.length > 0 ? html`<p>${legend}</p>` : ''}${parts}${more}` : undefined;
}

function attributionHtml({ attribution, notes }: ReportPage): Html | undefined {
  if (attribution.length === 0) return undefined;
  const list = notes.length > 0 ? html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>` : '';
  return html`<p>How much of the differences between runs each characteristic accounts for. ASR is analysed on the logit scale; seeds are blocks. docs/analysis.md says how.</p>${list}${attribution.map(
    ({ charts, tables }) => html`${charts.map(chartHtml)}${tables.map(dataTableHtml)}`,
  )}`;
}

function defensesHtml({ defenses: { charts, tables } }: ReportPage): Html | undefined {
  if (charts.length + tables.length === 0) return undefined;
  return html`<p>What is left of the attacks under a defence, and what defences that only look have found. No other part of this page has these runs, but for the table of results.</p>${charts.map(chartHtml)}${tables.map(dataTableHtml)}`;
}

/** Pictures of more runs than these make a page slow to load; the table has them all. */
const SHOWN_PANELS = 4;

function explanationsHtml({ explanations: { runs, table } }: ReportPage): Html | undefined {
  if (!table) return undefined;
  const panels = runs
    .slice(0, SHOWN_PANELS)
    .map(
      ({ run, explanation: { panel, alt, layer, method } }) =>
        html`<figure><div class="scroll"><img src="data:image/png;base64,${panel}" alt="${alt}" style="display:block;width:100%;min-width:56rem;height:auto"></div><figcaption><strong>${explainedTitle(run)}.</strong> ${method} at ${layer.name} (${layer.height} × ${layer.width}), each map by its own peak; frame: the trigger.</figcaption></figure>\n`,
    );
  return html`${dataTableHtml(table)}${panels}`;
}

function comparisonHtml({ comparison }: ReportPage): Html | undefined {
  if (!comparison) return undefined;
  if (comparison.table.rows.length === 0) return html`<p>No setting of the published results is among these runs.</p>`;
  return html`${comparison.chart ? chartHtml(comparison.chart) : ''}${dataTableHtml(comparison.table)}`;
}

function chartHtml(chart: Chart): Html {
  return html`<figure><div class="chartbox" role="region" aria-label="${chart.title}, chart" tabindex="0">${trusted(chart.svg)}</div><figcaption><strong>${chart.title}.</strong> ${chart.caption}</figcaption></figure>\n`;
}

function picturesHtml({ pictures, pictureNotes }: ReportPage): Html {
  const figures = pictures.map(
    (figure) =>
      html`<figure class="trigger"><h3>${figure.title}</h3>${figure.strips.map(
        ({ label, src, alt, width, height }) =>
          html`<div class="strip"><span aria-hidden="true">${label}</span><img src="${src}" alt="${alt}" width="${width}" height="${height}"></div>`,
      )}<figcaption>${figure.caption}</figcaption></figure>\n`,
  );
  return html`${pictureNotes.map((note) => html`<p>${note}</p>`)}<div class="triggers">${figures}</div>`;
}

function provenanceHtml({ experiment, runs }: ReportPage): Html {
  const times = runs.flatMap((run) => (run.finishedAt ? [run.finishedAt] : [])).sort();
  const total = runs.reduce((sum, run) => sum + (run.metrics?.seconds ?? 0), 0);
  const facts: readonly (readonly [string, string])[] = [
    [
      'Versions',
      `triggerlab ${versionsOf(runs, 'triggerlab')}, ONNX Runtime ${versionsOf(runs, 'onnxruntime')}, Node ${versionsOf(runs, 'node')}`,
    ],
    ['Machine', `${versionsOf(runs, 'cpu')}; threads per run: ${versionsOf(runs, 'threads')}`],
    ...hashes(runs),
    ['Finished', times.length > 0 ? `${times[0]} to ${times[times.length - 1]}` : 'not yet'],
    ['Time of all runs together', total > 0 ? `${Math.round(total).toLocaleString('en')} s` : '–'],
  ];
  return html`<dl class="terms">${facts.map(([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>`)}</dl>
<h3>To reproduce</h3>
<p>The spec stands beside this page as <code>experiment.yaml</code>. The same spec with the same versions and thread count gives the same metrics; runs that a store already holds are not repeated. Overrides given with <code>--set</code> are not part of the file: the resolved form below has them.</p>
<pre><code>triggerlab run experiment.yaml
triggerlab report ${shellWord(experiment.name)} --out report</code></pre>
<h3>The spec as given</h3>
<pre tabindex="0" role="region" aria-label="Spec as given"><code>${experiment.specText}</code></pre>
<details><summary>The spec after defaults, presets and overrides</summary><pre tabindex="0" role="region" aria-label="Resolved spec"><code>${yamlText(withoutLint(experiment.resolved))}</code></pre></details>
<details><summary>All ${runs.length} runs with their ids</summary>${runsHtml(runs)}</details>`;
}

/** Fingerprints of the registered datasets and weights, as this program has them. */
function hashes(runs: readonly RunRecord[]): (readonly [string, string])[] {
  const names = (of: (run: RunRecord) => string) => [...new Set(runs.map(of))].sort();
  const data = names((run) => run.spec.dataset).flatMap((name) =>
    datasets.has(name) ? [`${name} ${datasets.get(name).fingerprint.slice(0, 16)}`] : [],
  );
  const weights = names((run) => run.spec.model).flatMap((name) => {
    const hash = models.has(name) ? models.get(name).weightsHash : undefined;
    return hash === undefined ? [] : [`${name} ${hash.slice(0, 16)}`];
  });
  return [
    ...(data.length > 0 ? [['Datasets (fingerprint)', data.join(', ')] as const] : []),
    ...(weights.length > 0 ? [['Pretrained weights (SHA-256)', weights.join(', ')] as const] : []),
  ];
}

function caveatsHtml(runs: readonly RunRecord[]): Html {
  const done = runs.filter((run) => run.metrics);
  const seeds = new Set(done.map((run) => run.spec.seed)).size;
  const tested = range(done.flatMap((run) => run.metrics?.testImages ?? []));
  const attacked = range(done.flatMap((run) => run.metrics?.attackedImages ?? []));
  const notes = [
    ...(tested
      ? [
          `Clean accuracy was measured on ${tested} test images${attacked ? `, ASR on ${attacked} triggered ones` : ''}: one image more or less is a visible step in the last digit.`,
        ]
      : []),
    ...(seeds === 1
      ? [
          'Every setting ran with one seed. The intervals cover the choice of test images only; another seed may differ by more than they say.',
        ]
      : []),
    ...(seeds > 1
      ? [
          `There are ${seeds} seeds. A standard deviation from so few values is itself uncertain${seeds < 5 ? ', by a factor of two and more' : ''}; it covers seeds, not the choice of test images.`,
        ]
      : []),
    'Runs with the same seed share their initialisation and their poisoned images: compare settings within a seed.',
    'The figures hold for this dataset, these models and this training. They do not say how likely such an attack is elsewhere.',
  ];
  return html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>
<dl class="terms"><dt>ε</dt><dd>Poisoning rate: the share of the training images that carry the trigger and the target label.</dd>${[
    ...METRIC_COLUMNS,
    ...(haveStealth(runs) ? STEALTH_COLUMNS : []),
  ].map(
    ({ title, description }) => html`<dt>${title}</dt><dd>${description}</dd>`,
  )}<dt>clean twin</dt><dd>The same model trained with the same seed and schedule on the same images without poison.</dd></dl>`;
}

function versionsOf(runs: readonly RunRecord[], field: keyof NonNullable<RunRecord['environment']>): string {
  const values = new Set(runs.flatMap((run) => (run.environment ? [String(run.environment[field])] : [])));
  return values.size > 0 ? [...values].sort().join(', ') : '(not recorded)';
}

function range(values: readonly number[]): string {
  if (values.length === 0) return '';
  const ends = [...new Set([Math.min(...values), Math.max(...values)])];
  return ends.map((value) => value.toLocaleString('en')).join(' to ');
}

function resolvedDescription(resolved: unknown): string | undefined {
  if (resolved === null || typeof resolved !== 'object' || !('description' in resolved)) return undefined;
  return typeof resolved.description === 'string' && resolved.description !== '' ? resolved.description : undefined;
}

function yamlText(value: unknown): string {
  return value === undefined || value === null ? 'not recorded' : stringify(value, { lineWidth: 100 });
}

function shellWord(text: string): string {
  return /^[\w.@%+=:,/-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
