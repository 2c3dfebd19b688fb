// The examination of a classifier as one self-contained HTML page.
import { formatPercent, formatSeconds } from '../core/format.ts';
import { packageVersion } from '../core/version.ts';
import type { Audit } from '../runner/audit.ts';
import type { OtherExamination } from '../runner/audit-others.ts';
import { calibrationNotes, LEAST_ASR } from '../runner/audit-verdict.ts';
import { evidenceFigure, suspectFigure } from './audit-figures.ts';
import {
  type AuditSubject,
  classRows,
  LIMITS,
  labelNote,
  otherSentence,
  pixelNote,
  shortcomings,
  VERDICTS,
  verdictSentence,
} from './audit-words.ts';
import { type Html, html } from './html-template.ts';
import { pageHtml } from './page.ts';

const percent = (value: number | undefined) => (value === undefined ? '–' : formatPercent(value));
const number = (value: number | undefined, digits: number) => (value === undefined ? '–' : value.toFixed(digits));

const times = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(1)} times`);

/** The page. */
export async function auditPage(audit: Audit, subject: AuditSubject): Promise<string> {
  const { verdict, behaviour, result, calibration, side, evidence, others } = audit;
  const { model, images, nameOf } = subject;
  const figures = await Promise.all(evidence.map((one) => evidenceFigure(one, side, nameOf)));
  const beside = await Promise.all(others.map((one) => otherSection(one, audit, subject)));
  const missing = shortcomings(audit, subject);
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
    main: html`${missing.length > 0 ? html`<section aria-labelledby="missing"><h2 id="missing">What there was no time for</h2><ul>${missing.map((text) => html`<li>${text}</li>`)}</ul></section>` : ''}
${
  result.classes.length > 0
    ? html`<section aria-labelledby="classes"><h2 id="classes">How small a trigger leads to each class</h2>
<p>For each class, Neural Cleanse (Wang et al. 2019) searches the smallest mask and pattern that make images be taken for it. A class that needs a far smaller mask than the others is the target of a backdoor, or one that a few pixels suffice for. The factor says how many times smaller a mask is than the median (${number(result.sizes.median, 1)} pixels). Beside it stands the paper’s anomaly index, the distance from the median in robust deviations.</p>
${classTable(audit, subject)}</section>`
    : ''
}
${evidence.map(
  (
    one,
    i,
  ) => html`<section aria-labelledby="evidence-${one.class}"><h2 id="evidence-${one.class}">The trigger found for class ${nameOf(one.class)}</h2>
<p>${verdict.suspicious.includes(one.class) ? '' : 'Shown because its mask is the smallest; the class is not suspicious. '}The mask covers ${one.trigger.norm.toFixed(1)} of ${side * side} pixels. Samples as the network sees them, stamped in 8 bits; to the left its answers without and with the trigger.</p>
<figure><div class="scroll"><img src="data:image/png;base64,${figures[i].png.toString('base64')}" alt="${figures[i].alt}" style="display:block;width:100%;min-width:44rem;max-width:60rem;height:auto"></div>
<figcaption>Heat maps show where the network looks when it is asked about class ${nameOf(one.class)}.</figcaption></figure></section>`,
)}
${beside}
<section aria-labelledby="limits"><h2 id="limits">What this can show, and what not</h2><ul>${LIMITS.map((text) => html`<li>${text}</li>`)}</ul></section>
<section aria-labelledby="threshold"><h2 id="threshold">Behind the threshold</h2>
${calibration ? html`<p>A class is suspicious if its mask is more than ${times(verdict.threshold)} smaller than the median and its trigger works on at least ${formatPercent(LEAST_ASR, 0)} of the other classes’ images. ${percent(verdict.falsePositiveRate)} of the clean classifiers exceed it.${verdict.pValue === undefined ? '' : ` A factor as large as this one: p = ${verdict.pValue.toFixed(3)}.`}</p>` : html`<p>There is a threshold only where three classes or more are compared.</p>`}
<ul>${notes.map((text) => html`<li>${text}</li>`)}</ul></section>
<section aria-labelledby="subject"><h2 id="subject">What was examined</h2>
<dl class="terms">
${term('Model', html`${model.title}. SHA-256 <code>${model.sha256}</code>`)}
${term('Images', html`${images.path}: ${images.count} of ${images.found} used. SHA-256 <code>${images.sha256}</code>. ${labelNote(audit)}`)}
${term('Pixels', pixelNote(audit))}
${term('Answers', `${formatPercent(behaviour.commonest)} of the images are taken for the commonest class; ${behaviour.answers} of ${model.classes} classes occur.`)}
${term('Cost', costNote(audit, subject))}
${term('Command', html`<code>${subject.command}</code>, triggerlab ${packageVersion}`)}
</dl></section>`,
    style: '.pictured>*{vertical-align:middle}',
    version: packageVersion,
  });
}

function costNote(audit: Audit, { budget, seed }: AuditSubject): string {
  const { result, seconds, resumedSteps } = audit;
  const { forwardPasses, backwardPasses } = result.cost;
  const resumed =
    resumedSteps === 0 ? '' : `, going on from ${resumedSteps.toLocaleString('en')} steps of earlier calls`;
  return `${formatSeconds(seconds)} of ${formatSeconds(budget)} allowed${resumed}; ${forwardPasses.toLocaleString('en')} images forward, ${backwardPasses.toLocaleString('en')} backward; schedule ${result.settings.schedule}, seed ${seed}.`;
}

/** Suspect images that are shown. */
const MOST_SUSPECTS = 20;

async function otherSection(one: OtherExamination, audit: Audit, subject: AuditSubject): Promise<Html> {
  const { name, title, found, suspects = [], seconds } = one;
  const shown = suspects.slice(0, MOST_SUSPECTS);
  const pictures = await Promise.all(shown.map((suspect) => suspectFigure(suspect, audit.side)));
  const cost = found
    ? `${formatSeconds(seconds)}; ${found.cost.forwardPasses.toLocaleString('en')} images forward, ${found.cost.backwardPasses.toLocaleString('en')} backward.`
    : 'The time ended before it was done.';
  const table = html`<div class="scroll" tabindex="0" role="region" aria-labelledby="suspects-caption"><table><caption id="suspects-caption"><span><strong>Suspect images, those whose answer changes least first</strong>${shown.length < suspects.length ? ` (${shown.length} of ${suspects.length})` : ''}</span></caption>
<thead><tr><th scope="col">image</th><th scope="col">picture</th><th scope="col" class="number">entropy, bits</th><th scope="col">taken for</th><th scope="col">finding</th></tr></thead>
<tbody>${shown.map(
    (suspect, i) =>
      html`<tr class="pictured"><th scope="row">${suspect.name}</th><td><img src="data:image/png;base64,${pictures[i].toString('base64')}" alt="" width="72" height="72" style="display:block"></td><td class="number">${suspect.entropy.toFixed(3)}</td><td>${subject.nameOf(suspect.answer)}</td><td>${suspect.flagged ? html`<span class="bad">suspicious</span>` : ''}</td></tr>`,
  )}</tbody></table></div>`;
  return html`<section aria-labelledby="${name}"><h2 id="${name}">Beside it: ${name}</h2>
<p>${otherSentence(one, audit, subject)}</p>${shown.length > 0 ? table : ''}
<p class="notes">${title[0].toUpperCase()}${title.slice(1)}. ${cost}</p></section>`;
}

function tile(title: string, value: string, note: string): Html {
  return html`<div><dt>${title}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`;
}

function term(title: string, text: string | Html): Html {
  return html`<dt>${title}</dt><dd>${text}</dd>`;
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
