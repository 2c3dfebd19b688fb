// What an audit found, in words and rows: for the terminal, the JSON document and the page alike.
import { formatPercent, formatSeconds } from '../core/format.ts';
import type { Audit } from '../runner/audit.ts';
import type { OtherExamination } from '../runner/audit-others.ts';
import type { VerdictKind } from '../runner/audit-verdict.ts';

/** What was examined, for the page and the JSON document alike. */
export interface AuditSubject {
  readonly model: { readonly path: string; readonly sha256: string; readonly title: string; readonly classes: number };
  readonly images: {
    readonly path: string;
    readonly sha256: string;
    readonly count: number;
    readonly found: number;
    /** Whether there was no time to read all that were wanted. */
    readonly cut: boolean;
  };
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
  if (kind === 'inconclusive') {
    const { smallest, score } = result.sizes;
    const so =
      result.complete || smallest === undefined || score === undefined
        ? ''
        : ` So far class ${nameOf(result.classes[smallest].class)} needs the smallest mask, ${score.toFixed(1)} times smaller than the median.`;
    return `Nothing can be said of this classifier: ${reasons.join('; ')}.${so}`;
  }
  if (kind === 'suspicious') {
    return `A trigger far smaller than for the other classes leads to ${suspicious.map((of) => `class ${nameOf(of)}`).join(' and ')}.`;
  }
  return `No class${among} stands out: none has a trigger so much smaller than the others’ that chance would not explain it. That is no proof that there is none.`;
}

/** What such an examination can show and what it cannot. */
export const LIMITS: readonly string[] = [
  'It looks for a small patch or faint blend, the same on every image, that sends all images to one class (BadNets and the like).',
  'It does not see triggers that cover the whole image or differ from image to image (WaNet, SSBA), triggers for some classes only, or backdoors that send every class elsewhere; large patches and several target classes weaken it.',
  'A class can have a small trigger without any backdoor: where a few pixels tell it from the others, as in digits. The picture of the reversed trigger shows which it is: a meaningless patch speaks for a backdoor, a part of the class’s own shape against it.',
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
  return `${side} × ${side} RGB in [0, 1] (the network’s own input), less ${values(normalization.mean)}, over ${values(normalization.std)}; ${from}.`;
}

/** What there was no time for. */
export function shortcomings(audit: Audit, { images }: Pick<AuditSubject, 'images'>): string[] {
  const { behaviour, result, evidence, evidenceWanted, others, secondsLeft } = audit;
  const told: string[] = [];
  if (images.cut) told.push(`${images.count} of ${images.found} images were read; there was no time for more.`);
  if (behaviour.images < Math.min(images.count, 1000)) {
    told.push(`Its answers were looked at on ${behaviour.images} of ${images.count} images.`);
  }
  if (!result.complete) {
    const more =
      secondsLeft === undefined ? 'was not brought to its end' : `needs about ${formatSeconds(secondsLeft)} more`;
    told.push(`The search ${more}: the same command goes on from here.`);
  }
  const untried = result.classes.filter(({ trigger, asr }) => trigger && asr === undefined).length;
  if (untried > 0) told.push(`The triggers of ${untried} classes were not tried on images.`);
  if (evidence.length < evidenceWanted) told.push('The trigger was not drawn on samples.');
  for (const { name, found, seconds } of others) {
    if (!found) told.push(`${name} was not brought to its end in the ${formatSeconds(seconds)} that were left for it.`);
  }
  return told;
}

/** What a defence beside Neural Cleanse says; undefined where it did not come to its end. */
export function otherSentence(
  { name, found, suspects, parameters }: OtherExamination,
  { verdict }: Pick<Audit, 'verdict'>,
  { nameOf }: Pick<AuditSubject, 'nameOf'>,
): string | undefined {
  if (!found) return undefined;
  if (suspects) {
    const flagged = suspects.filter((one) => one.flagged).length;
    const { falseRejection } = parameters as { falseRejection: number };
    return `${flagged} of ${suspects.length} suspect images keep their answer whatever is laid over them, as images with a trigger do. Of clean ones about ${formatPercent(falseRejection)} would.`;
  }
  const { flagged, reasr, suspectClass, scanned } = found.metrics;
  if (flagged !== true) {
    return `None of the ${scanned} neurons that lift a class the most gives a trigger that works on enough images (best: ${formatPercent(Number(reasr))}). That is no proof that there is none.`;
  }
  const same = verdict.suspicious.includes(Number(suspectClass)) ? ' It is the class that Neural Cleanse names.' : '';
  return `A trigger that excites one neuron turns ${formatPercent(Number(reasr))} of the images into class ${nameOf(Number(suspectClass))}.${same} ${WEAK[name] ?? ''}`;
}

const WEAK: Readonly<Record<string, string>> = {
  abs: 'At these settings ABS accuses clean networks as well: it tells which class to look at, not whether there is a backdoor, and has no part in the verdict.',
};
