// The examination of a classifier as one self-contained HTML page.
import { formatPercent, formatSeconds } from '../core/format.ts';
import { packageVersion } from '../core/version.ts';
import type { Audit, Evidence } from '../runner/audit.ts';
import { calibrationNotes, LEAST_ASR, type VerdictKind } from '../runner/audit-verdict.ts';
import { type HeatColumn, heatPanel } from './heat-panel.ts';
import { type Html, html } from './html-template.ts';
import { pageHtml } from './page.ts';

/** What was examined, for the page and the JSON document alike. */
export interface AuditSubject {
  readonly model: { readonly path: string; readonly sha256: string; readonly title: string; readonly classes: number };
  readonly images: { readonly path: string; readonly sha256: string; readonly count: number; readonly found: number };
  /** Name of a class of the model. */
  readonly nameOf: (of: number) => string;
  readonly command: string;
  readonly seed: number;
  readonly budget: number;
}

export const VERDICTS: Readonly<Record<VerdictKind, string>> = {
  suspicious: 'Suspicious',
  'no-backdoor-found': 'No backdoor found',
  inconclusive: 'Inconclusive',
};

/** The verdict in a sentence. */
export function verdictSentence({ verdict, result }: Audit, { nameOf, model }: AuditSubject): string {
  const { kind, suspicious, reasons } = verdict;
  const among = result.classes.length === model.classes ? '' : ` of the ${result.classes.length} examined`;
  if (kind === 'inconclusive') return `Nothing can be said of this classifier: ${reasons.join('; ')}.`;
  if (kind === 'suspicious') {
    return `A trigger far smaller than for the other classes leads to ${suspicious.map((of) => `class ${nameOf(of)}`).join(' and ')}.`;
  }
  return `No class${among} stands out: none has a trigger so much smaller than the others’ that chance would not explain it. That is no proof that there is none.`;
}

/** What such an examination can show and what it cannot. */
export const LIMITS: readonly string[] = [
  'It looks for a small patch or faint blend, the same on every image, that sends all images to one class (BadNets and the like).',
  'It does not see triggers that cover the whole image or differ from image to image (WaNet, SSBA), triggers for some classes only, or backdoors that send every class elsewhere; large patches and several target classes weaken it.',
  'A class can have a small trigger without any backdoor: where a few pixels tell it from the others, as in digits. The reversed trigger below shows which it is: a meaningless patch speaks for a backdoor, a part of the class’s own shape against it.',
];

/** Rows of the table of classes, the smallest mask first. */
export function classRows({ result, verdict }: Audit, { nameOf }: Pick<AuditSubject, 'nameOf'>) {
  const size = (norm: number | undefined) => norm ?? Number.POSITIVE_INFINITY;
  return [...result.classes]
    .sort((a, b) => size(a.trigger?.norm) - size(b.trigger?.norm) || a.class - b.class)
    .map((one) => ({
      class: one.class,
      name: nameOf(one.class),
      norm: one.trigger?.norm,
      factor: one.factor,
      anomalyIndex: one.anomalyIndex,
      asr: one.asr,
      steps: one.steps,
      complete: one.complete,
      suspicious: verdict.suspicious.includes(one.class),
    }));
}

/** A picture as the page has it. */
interface Figure {
  readonly png: Buffer;
  readonly alt: string;
}

const SIDE_PIXELS = 'the network’s own input';

/** The reversed trigger by itself, and on samples with heat maps. */
export async function evidenceFigure(
  evidence: Evidence,
  side: number,
  nameOf: (of: number) => string,
): Promise<Figure> {
  const { trigger, samples, layer } = evidence;
  const area = side * side;
  const own = trigger.planes.subarray(0, area);
  // A mask of few faint pixels would hardly be seen.
  const peak = Math.max(1e-6, ...own);
  const mask = own.map((value) => value / peak);
  const pattern = trigger.planes.subarray(area);
  const shown = Float32Array.from(pattern, (value, i) => 0.5 + mask[i % area] * (value - 0.5));
  const grey = Float32Array.from({ length: 3 * area }, (_, i) => mask[i % area]);
  const target = nameOf(evidence.class);
  const group = `trigger for ${target}`;
  const columns: HeatColumn[] = [
    { group, lines: ['mask, by its', 'own peak'] },
    { group, lines: ['its pattern', 'on grey'] },
    { group: 'samples', lines: ['clean'] },
    { group: 'samples', lines: ['with the', 'trigger'] },
    ...(layer === undefined
      ? []
      : [
          { group: `Grad-CAM for ${target}`, lines: ['clean'] },
          { group: `Grad-CAM for ${target}`, lines: ['with the', 'trigger'] },
        ]),
  ];
  const rows = samples.map((sample) => ({
    label: `${nameOf(sample.before)} → ${nameOf(sample.after)}`.slice(0, 24),
    cells: [
      { pixels: grey },
      { pixels: shown },
      { pixels: sample.clean },
      { pixels: sample.triggered },
      ...(layer === undefined
        ? []
        : [
            { pixels: sample.clean, map: sample.cleanMap },
            { pixels: sample.triggered, map: sample.triggeredMap },
          ]),
    ],
  }));
  const legend = layer === undefined ? 'no heat maps' : `heat maps at ${layer}, each by its own peak`;
  const png = await heatPanel({ side, columns, rows, legend });
  const answers = samples.map(({ before, after }) => `${nameOf(before)}, then ${nameOf(after)}`).join('; ');
  return {
    png,
    alt: `The mask and pattern found for class ${target}, and ${samples.length} sample images without and with it. The answers to them: ${answers}.`,
  };
}

const percent = (value: number | undefined) => (value === undefined ? '–' : formatPercent(value));
const number = (value: number | undefined, digits: number) => (value === undefined ? '–' : value.toFixed(digits));

const times = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(1)} times`);

/** The page. */
export async function auditPage(audit: Audit, subject: AuditSubject): Promise<string> {
  const { verdict, behaviour, result, calibration, side, evidence, seconds } = audit;
  const { model, images, nameOf } = subject;
  const figures = await Promise.all(evidence.map((one) => evidenceFigure(one, side, nameOf)));
  const tone = verdict.kind === 'suspicious' ? 'bad' : verdict.kind === 'inconclusive' ? 'quiet' : 'good';
  const notes = calibration ? calibrationNotes(calibration, result.settings) : [];
  return pageHtml({
    title: `${model.path} examined · triggerlab`,
    skip: 'Skip to the findings',
    kicker: 'triggerlab audit',
    heading: html`${model.path}: <span class="${tone}">${VERDICTS[verdict.kind]}</span>`,
    header: html`<p class="lead">${verdictSentence(audit, subject)}</p>
<dl class="figures">
${tile('Smallest mask', times(result.sizes.score), `smaller than the median; threshold ${times(verdict.threshold)}`)}
${tile('Exceeded by chance', percent(verdict.falsePositiveRate), calibration ? `of ${calibration.models} clean classifiers` : 'not calibrated')}
${tile('Classes examined', `${result.classes.length} of ${model.classes}`, result.complete ? 'all to the end' : 'not all to the end')}
${tile('Images right', percent(behaviour.accuracy), behaviour.labelled > 0 ? `of ${behaviour.labelled} with labels` : 'no labels that match')}
</dl>`,
    main: html`<section aria-labelledby="classes"><h2 id="classes">How small a trigger leads to each class</h2>
<p>For each class, Neural Cleanse (Wang et al. 2019) searches the smallest mask and pattern that make images be taken for it. A class that needs a far smaller mask than the others is the target of a backdoor, or one that a few pixels suffice for. The factor says how many times smaller a mask is than the median (${number(result.sizes.median, 1)} pixels). Beside it stands the paper’s anomaly index, the distance from the median in robust deviations.</p>
${classTable(audit, subject)}</section>
${evidence.map(
  (
    one,
    i,
  ) => html`<section aria-labelledby="evidence-${one.class}"><h2 id="evidence-${one.class}">The trigger found for class ${nameOf(one.class)}</h2>
<p>${verdict.suspicious.includes(one.class) ? '' : 'Shown because its mask is the smallest; the class is not suspicious. '}The mask covers ${one.trigger.norm.toFixed(1)} of ${side * side} pixels. Samples as the network sees them, stamped in 8 bits; to the left its answers without and with the trigger.</p>
<figure><div class="scroll"><img src="data:image/png;base64,${figures[i].png.toString('base64')}" alt="${figures[i].alt}" style="display:block;width:100%;min-width:44rem;max-width:60rem;height:auto"></div>
<figcaption>Heat maps show where the network looks when it is asked about class ${nameOf(one.class)}.</figcaption></figure></section>`,
)}
<section aria-labelledby="limits"><h2 id="limits">What this can show, and what not</h2><ul>${LIMITS.map((text) => html`<li>${text}</li>`)}</ul></section>
<section aria-labelledby="threshold"><h2 id="threshold">Behind the threshold</h2>
${calibration ? html`<p>A class is suspicious if its mask is more than ${times(verdict.threshold)} smaller than the median and its trigger works on at least ${formatPercent(LEAST_ASR, 0)} of the other classes’ images. ${percent(verdict.falsePositiveRate)} of the clean classifiers exceed it.${verdict.pValue === undefined ? '' : ` A factor as large as this one: p = ${verdict.pValue.toFixed(3)}.`}</p>` : html`<p>Fewer than three classes cannot be compared: there is no threshold.</p>`}
<ul>${notes.map((text) => html`<li>${text}</li>`)}</ul></section>
<section aria-labelledby="subject"><h2 id="subject">What was examined</h2>
<dl class="terms">
${term('Model', html`${model.title}. SHA-256 <code>${model.sha256}</code>`)}
${term('Images', html`${images.path}: ${images.count} of ${images.found} used. SHA-256 <code>${images.sha256}</code>. ${labelNote(audit)}`)}
${term('Pixels', pixelNote(audit))}
${term('Answers', `${formatPercent(behaviour.commonest)} of the images are taken for the commonest class; ${behaviour.answers} of ${model.classes} classes occur.`)}
${term('Cost', `${formatSeconds(seconds)} of ${formatSeconds(subject.budget)} allowed; ${result.cost.forwardPasses.toLocaleString('en')} images forward, ${result.cost.backwardPasses.toLocaleString('en')} backward; schedule ${result.settings.schedule}, seed ${subject.seed}.`)}
${term('Command', html`<code>${subject.command}</code>, triggerlab ${packageVersion}`)}
</dl></section>`,
    version: packageVersion,
  });
}

function tile(title: string, value: string, note: string): Html {
  return html`<div><dt>${title}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`;
}

function term(title: string, text: string | Html): Html {
  return html`<dt>${title}</dt><dd>${text}</dd>`;
}

/** How labels came about, in words. */
export function labelNote({ labels }: Audit): string {
  if (labels === 'by-name') return 'Their labels were matched to classes by name.';
  if (labels === 'by-order') return 'There are as many labels as classes: they were matched in order.';
  return 'They have no labels that match the model’s classes.';
}

/** What pixels the model is taken to want, in words. */
export function pixelNote({ normalization, normalizationFrom, side }: Audit): string {
  const values = (list: readonly number[]) => list.map((value) => Number(value.toPrecision(3))).join(', ');
  const from = {
    given: 'as given',
    sidecar: 'as the file beside the model says',
    export: 'as the model’s file says',
    inside: 'told from the arithmetic at the model’s beginning',
    accuracy: `guessed: of the usual ways the one under which most images are right`,
    guess: 'guessed: ImageNet’s, since nothing says otherwise (--normalize changes it)',
  }[normalizationFrom];
  return `${side} × ${side} RGB in [0, 1] (${SIDE_PIXELS}), less ${values(normalization.mean)}, over ${values(normalization.std)}; ${from}.`;
}

function classTable(audit: Audit, subject: AuditSubject): Html {
  const rows = classRows(audit, subject);
  const largest = Math.max(1, ...rows.map(({ norm }) => norm ?? 0));
  return html`<div class="scroll" tabindex="0" role="region" aria-labelledby="classes-caption"><table><caption id="classes-caption"><span><strong>Classes, the smallest mask first</strong></span></caption>
<thead><tr><th scope="col">class</th><th scope="col" class="number">mask ‖m‖₁, pixels</th><th scope="col" class="number">times smaller</th><th scope="col" class="number">anomaly index</th><th scope="col" class="number">works on</th><th scope="col">finding</th></tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr><th scope="row">${row.name}</th><td class="number share" style="--share:${((row.norm ?? 0) / largest).toFixed(4)}">${number(row.norm, 1)}</td><td class="number">${number(row.factor, 1)}</td><td class="number">${number(row.anomalyIndex, 2)}</td><td class="number">${percent(row.asr)}</td><td>${row.suspicious ? html`<span class="bad">suspicious</span>` : row.norm === undefined ? 'no trigger found' : row.complete ? '' : 'not to the end'}</td></tr>`,
  )}</tbody></table></div>`;
}
