// What an examination allows to be said of a classifier: suspicious, nothing found, or nothing that could be said.
import {
  type Calibration,
  exceeding,
  isCalibrated,
  pValue,
  thresholdAt,
} from '../defenses/neural-cleanse/calibration.ts';
import type { CleanseResult } from '../defenses/neural-cleanse/neural-cleanse.ts';
import { nullDistribution } from '../defenses/neural-cleanse/null-distribution.ts';
import { type CleanseSettings, imagesPerClass } from '../defenses/neural-cleanse/settings.ts';
import { smallClasses } from '../defenses/neural-cleanse/size-factors.ts';

export type VerdictKind = 'suspicious' | 'no-backdoor-found' | 'inconclusive';

export interface Verdict {
  readonly kind: VerdictKind;
  /** Classes above the threshold whose trigger works on images it was not chosen by, most suspicious first. */
  readonly suspicious: readonly number[];
  /** Why nothing can be said, for `inconclusive`. */
  readonly reasons: readonly string[];
  /** A class whose mask is more than so many times smaller than the median is suspicious; undefined for fewer than three classes. */
  readonly threshold: number | undefined;
  /** Share of the clean classifiers of the calibration that exceed it. */
  readonly falsePositiveRate: number | undefined;
  /** Chance that a clean classifier of the calibration has a score as large; undefined without a score. */
  readonly pValue: number | undefined;
}

/** How the classifier behaves on the images before anything is done to them. */
export interface Behaviour {
  /** Share right, where labels are known. */
  readonly accuracy?: number | undefined;
  /** Images with a label. */
  readonly labelled: number;
  readonly images: number;
  /** Share of the images that are taken for the commonest answer. */
  readonly commonest: number;
  /** Classes that are the answer to at least one image. */
  readonly answers: number;
}

export interface Judged {
  readonly result: CleanseResult;
  readonly calibration: Calibration | undefined;
  readonly behaviour: Behaviour;
  readonly settings: CleanseSettings;
  /** False-positive rate that the threshold is to have. */
  readonly rate: number;
  /** Classes of the classifier. */
  readonly classes: number;
  /** Pixels a side of what it sees. */
  readonly inputSize: number;
}

/** A trigger must work on this share of the other classes' images to count as one. */
export const LEAST_ASR = 0.8;
/**
 * The largest size factor of all 125 clean classifiers examined so far, of whatever kind (docs/defenses.md, docs/audit.md): where the
 * calibration's own kind ends, only more than that is suspicious.
 */
export const LARGEST_CLEAN_FACTOR = 5.42;
/** Fewer images than this say little of how well a trigger works. */
export const FEWEST_IMAGES = 30;
const MOST_COMMON = 0.95;

/** Weighs everything; a reason to doubt the examination always outweighs what it found. */
export function judge({ result, calibration, behaviour, settings, rate, classes, inputSize }: Judged): Verdict {
  const { sizes } = result;
  const reasons = [...doubts(result, behaviour, settings, classes)];
  const threshold = calibration && thresholdAt(calibration, rate);
  const common = {
    threshold,
    falsePositiveRate:
      calibration && threshold !== undefined
        ? exceeding(calibration, threshold) / calibration.scores.length
        : undefined,
    pValue: calibration && sizes.score !== undefined ? pValue(calibration, sizes.score) : undefined,
  };
  if (threshold === undefined || sizes.score === undefined) {
    return { ...common, kind: 'inconclusive', suspicious: [], reasons };
  }
  const flagged = smallClasses(sizes, threshold);
  const working = flagged.filter((i) => (result.classes[i].asr ?? 0) >= LEAST_ASR);
  const untried = flagged.some((i) => result.classes[i].asr === undefined);
  if (flagged.length > 0 && working.length === 0) {
    reasons.push(
      untried
        ? 'the time allowed ended before the small trigger that was found could be tried on images'
        : 'the small trigger that was found works on fewer than 80 % of the images it was tried on: it may owe its size to chance',
    );
  }
  const side = nullDistribution.inputSize;
  if (inputSize !== side && working.length > 0 && sizes.score <= LARGEST_CLEAN_FACTOR) {
    reasons.push(
      `it stands out by the threshold, but that was measured on classifiers that see ${side} × ${side} pixels; among clean ones of other kinds there were masks ${LARGEST_CLEAN_FACTOR} times smaller than the median`,
    );
  }
  const suspicious = working.map((i) => result.classes[i].class);
  const kind = reasons.length > 0 ? 'inconclusive' : suspicious.length > 0 ? 'suspicious' : 'no-backdoor-found';
  return { ...common, kind, suspicious, reasons };
}

function* doubts(
  { sizes, classes: found, complete }: CleanseResult,
  { accuracy, labelled, images, commonest, answers }: Behaviour,
  settings: CleanseSettings,
  classes: number,
): Generator<string> {
  if (found.length === 0) {
    yield 'Neural Cleanse, which the verdict rests on, was not among the defences';
    return;
  }
  if (!complete) {
    const done = found.filter((one) => one.complete).length;
    yield `the time allowed ended when ${done} of ${found.length} classes had been examined to the end`;
  }
  if (imagesPerClass(settings) < imagesPerClass(nullDistribution.settings)) {
    yield 'the search was shorter than the one that the threshold was calibrated for';
  }
  if (images < FEWEST_IMAGES) yield `${images} images are too few: give at least ${FEWEST_IMAGES}, better some hundred`;
  if (accuracy !== undefined && labelled >= FEWEST_IMAGES && accuracy < 2 / classes) {
    yield 'it gets no more images right than by guessing: its preprocessing, or the names of the classes, are other ones';
  } else if (classes > 2 && commonest > MOST_COMMON) {
    yield `it takes ${Math.round(100 * commonest)} % of the images for one class: they are not what it was made for, or its preprocessing is another one`;
  } else if (answers < 2) {
    yield 'it gives the same answer to every image';
  }
  if (!complete) return;
  if (sizes.score === undefined) {
    const without = found.filter(({ trigger }) => !trigger).length;
    yield `triggers were found for ${found.length - without} of ${found.length} classes; fewer than three cannot be compared`;
  }
}

/** What goes with the threshold, in words. */
export function calibrationNotes(calibration: Calibration, settings: CleanseSettings): string[] {
  const notes = [`Calibrated on ${calibration.provenance}.`];
  if (calibration.kind === 'resampled') {
    notes.push(
      `They have 10 classes; for ${calibration.classes} classes the figures were computed from masks drawn at random from theirs, as if classes were independent.`,
    );
  }
  if (!isCalibrated(settings)) notes.push('This search had other settings: the rate is an assumption.');
  const side = nullDistribution.inputSize;
  notes.push(
    `For another kind of classifier the rate may be another one; where it does not see ${side} × ${side} pixels, only a mask more than ${LARGEST_CLEAN_FACTOR} times smaller than the median is called suspicious.`,
  );
  return notes;
}
