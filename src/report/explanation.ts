// An explained run as files: the panel of heat maps, the page, and the figures as CSV.
import { join } from 'node:path';
import { type ExplanationFigures, explanationFigures, type RegionFigures } from '../analysis/explanation.ts';
import { makeDirectory, writeFileAtomic } from '../core/files.ts';
import { formatPercent } from '../core/format.ts';
import { IMAGES, NETWORKS, CLASSES as QUESTIONS } from '../explain/cam-study.ts';
import type { RunExplanation, TriggerNeurons } from '../runner/explain-run.ts';
import { csvText } from '../store/csv.ts';
import type { RunRecord } from '../store/records.ts';
import { type HeatColumn, heatPanel } from './heat-panel.ts';
import { type Html, html } from './html-template.ts';
import { encodeExplanation, figureText } from './kept-explanation.ts';
import { pageHtml } from './page.ts';
import { attackTitle } from './pictures.ts';

const NETWORK_NAMES = { backdoored: 'backdoored network', twin: 'clean twin' } as const;

/** Rows of the table of measures: question, then figures of the trigger's place and of a blind one. */
export const MEASURE_COLUMNS = [
  'network',
  'image',
  'class',
  'predicted as it',
  'mass in trigger',
  'area',
  'rank',
  'peak in trigger',
  'mass in blind place',
  'peak in blind place',
] as const;

export function measureRows({ questions }: ExplanationFigures): string[][] {
  return questions.map(({ network, image, class: asked, predicted, trigger, blind }) => [
    network,
    image,
    asked,
    formatPercent(predicted),
    figureText(trigger.massShare),
    formatPercent(trigger.area),
    trigger.boxRank ? trigger.boxRank.mean.toFixed(2) : '–',
    figureText(trigger.pointedAt),
    figureText(blind.massShare),
    figureText(blind.pointedAt),
  ]);
}

export interface WrittenExplanation {
  /** Paths of the files written. */
  readonly files: string[];
  readonly figures: ExplanationFigures;
  /** What to keep with the run for reports of its experiment. */
  readonly kept: Uint8Array;
}

/** Writes `index.html`, `heat-maps.png`, `measures.csv` and, with trigger neurons, `channels.csv` and `pruning.csv`. */
export async function writeExplanation(
  run: RunRecord,
  explanation: RunExplanation,
  folder: string,
): Promise<WrittenExplanation> {
  makeDirectory(folder);
  const figures = explanationFigures(explanation.study);
  const { panel, alt } = await panelOf(explanation);
  const files: [name: string, content: string | Uint8Array][] = [
    ['heat-maps.png', panel],
    ['measures.csv', measuresCsv(figures)],
    ...neuronFiles(explanation.neurons),
    ['index.html', pageOf(run, explanation, figures, panel, alt)],
  ];
  for (const [name, content] of files) {
    await writeFileAtomic(join(folder, name), typeof content === 'string' ? Buffer.from(content) : content);
  }
  return {
    files: files.map(([name]) => join(folder, name)),
    figures,
    kept: encodeExplanation(explanation, figures, panel, alt),
  };
}

async function panelOf({ side, shown, study, classes }: RunExplanation): Promise<{ panel: Buffer; alt: string }> {
  const columns: HeatColumn[] = [
    { group: 'input', lines: ['clean'] },
    { group: 'input', lines: ['triggered'] },
    ...study.answers.map(({ question }) => ({
      group: NETWORK_NAMES[question.network],
      lines: [`${question.image}`, `for ${question.class} class`],
    })),
  ];
  const rows = shown.map(({ label, clean, triggered, region }, i) => ({
    label: `class ${classes[label]}`,
    cells: [
      { pixels: clean },
      { pixels: triggered, box: region },
      ...study.answers.map(({ question, maps }) => ({
        pixels: question.image === 'clean' ? clean : triggered,
        map: maps[i],
        box: region,
      })),
    ],
  }));
  const legend = `${study.method} at ${study.layer.name} (${study.layer.height} × ${study.layer.width}), each map by its own peak; frame: the trigger`;
  const panel = await heatPanel({ side, columns, rows, legend });
  const alt = `Heat maps of ${shown.length} test images, one per row: the input clean and triggered, then for each of ${NETWORKS.length} networks its maps for ${IMAGES.join(' and ')} images and for the ${QUESTIONS.join(' and the ')} class. The figures are in the table below.`;
  return { panel, alt };
}

function measuresCsv({ questions, distances }: ExplanationFigures): string {
  const header = ['network', 'image', 'class', 'place', 'measure', 'mean', 'low', 'high', 'images', 'area'];
  const of = (question: (typeof questions)[number], place: 'trigger' | 'blind') =>
    (['massShare', 'boxRank', 'pointedAt'] as const).map((measure) => {
      const region: RegionFigures = question[place];
      const { mean, low, high, n } = region[measure] ?? { mean: null, low: null, high: null, n: 0 };
      const { network, image, class: asked } = question;
      return [network, image, asked, place, measure, mean, low, high, n, region.area];
    });
  const rows = questions.flatMap((question) => [...of(question, 'trigger'), ...of(question, 'blind')]);
  const apart = distances.map(({ image, class: asked, mean, low, high, n }) => [
    ...['between twins', image, asked, 'image', 'meanAbsoluteDifference'],
    ...[mean, low, high, n, null],
  ]);
  return csvText(header, [...rows, ...apart]);
}

function neuronFiles(neurons: TriggerNeurons | undefined): [string, string][] {
  if (!neurons) return [];
  const ranked = neurons.ranked.map(({ channel, clean, triggered, effect }, i) => [
    i + 1,
    channel,
    clean,
    triggered,
    effect,
  ]);
  const figures = [
    ...neurons.pruned.map((one) => ['trigger neurons first', one.pruned, one.cleanAccuracy, one.asr]),
    ...neurons.control.map((one) => ['in random order', one.pruned, one.cleanAccuracy, one.asr]),
  ];
  return [
    ['channels.csv', csvText(['rank', 'channel', 'clean', 'triggered', 'effect'], ranked)],
    ['pruning.csv', csvText(['order', 'pruned', 'cleanAccuracy', 'asr'], figures)],
  ];
}

function pageOf(
  { runId, spec }: RunRecord,
  explanation: RunExplanation,
  figures: ExplanationFigures,
  panel: Buffer,
  alt: string,
): string {
  const { study, rows, neurons, classes } = explanation;
  const src = `data:image/png;base64,${panel.toString('base64')}`;
  return pageHtml({
    title: `${runId} explained · triggerlab`,
    skip: 'Skip to the maps',
    kicker: 'triggerlab explanation',
    heading: `Run ${runId}`,
    header: html`<p class="lead">${spec.model} on ${spec.dataset}, ${attackTitle(spec.attack)}, ε ${formatPercent(spec.poisonRate)}, target class ${classes[spec.targetClass]}. ${study.method} at ${study.layer.name} (${study.layer.height} × ${study.layer.width} maps) over ${rows.length} test images of other classes.</p>`,
    main: html`<section aria-labelledby="maps"><h2 id="maps">Heat maps</h2>
<p>Where each network looks when it is asked about a class: bright places speak for it. Every map is scaled to its own peak, colours mean the same everywhere.</p>
<figure><div class="scroll"><img src="${src}" alt="${alt}" style="display:block;width:100%;min-width:56rem;height:auto"></div></figure></section>
<section aria-labelledby="measures"><h2 id="measures">In figures</h2>
<p>Mass: share of the map inside the trigger's pixels, to be compared with the trigger's share of the image (area). Rank: of the trigger's place among all places of its size, 1 for the hottest, 0.5 for a blind map. Peak: share of the maps whose highest pixel lies in the trigger. In brackets 95 % intervals over images. The blind place is as large and does not touch the trigger.</p>
${tableHtml(MEASURE_COLUMNS, measureRows(figures), 'Each network, image and class asked about')}
${tableHtml(
  ['image', 'class', 'mean absolute difference'],
  figures.distances.map((one) => [one.image, one.class, figureText(one)]),
  'Distance between the maps of the backdoored network and of its clean twin',
)}</section>
${neurons ? neuronsHtml(neurons) : ''}`,
  });
}

const LISTED = 10;

function neuronsHtml({ channels, ranked, pruned, control }: TriggerNeurons): Html {
  return html`<section aria-labelledby="neurons"><h2 id="neurons">Trigger neurons</h2>
<p>The ${channels} channels of the last feature maps, ranked by how much more active they are with the trigger than without, in standard deviations of the clean images; and what is left of clean accuracy and ASR when the first of them are silenced, against a random order.</p>
${tableHtml(
  ['channel', 'clean', 'triggered', 'effect'],
  ranked
    .slice(0, LISTED)
    .map((one) => [String(one.channel), one.clean.toFixed(3), one.triggered.toFixed(3), one.effect.toFixed(1)]),
  `The first ${Math.min(LISTED, channels)}`,
)}
${tableHtml(
  ['silenced', 'clean accuracy', 'ASR', 'clean accuracy, random order', 'ASR, random order'],
  pruned.map((one, i) => [
    ...[String(one.pruned), formatPercent(one.cleanAccuracy), formatPercent(one.asr)],
    ...[formatPercent(control[i].cleanAccuracy), formatPercent(control[i].asr)],
  ]),
  'Silencing channels',
)}</section>`;
}

function tableHtml(header: readonly string[], rows: readonly (readonly string[])[], caption: string): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption><span><strong>${caption}</strong></span></caption>
<thead><tr>${header.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}
