// What heat maps say of a trigger's place, as figures with intervals: from one value per image to one row per question.
import type { Answer, CamStudy, RegionMeasures } from '../explain/cam-study.ts';
import { type Interval, wilson } from './intervals.ts';
import { meanWithInterval } from './mean-interval.ts';

/** A mean over images with its 95 % interval; `n` images had a map that is not zero everywhere. */
export interface Figure extends Interval {
  readonly mean: number;
  readonly n: number;
}

export interface RegionFigures {
  /** Share of the map's mass inside the region; beside it the region's share of the image, which a blind map would give. */
  readonly massShare: Figure | undefined;
  readonly area: number;
  /** Rank of the region among all places of its size, 1 for the hottest. */
  readonly boxRank: Figure | undefined;
  /** Share of the maps that peak in the region. */
  readonly pointedAt: Figure | undefined;
}

export interface QuestionFigures {
  readonly network: string;
  readonly image: string;
  readonly class: string;
  /** Share of the images that the network takes for the class asked about. */
  readonly predicted: number;
  /** Maps that are zero everywhere: nothing speaks for the class. */
  readonly emptyMaps: number;
  readonly trigger: RegionFigures;
  /** The same for as large a place chosen blindly. */
  readonly blind: RegionFigures;
}

export interface ExplanationFigures {
  readonly questions: readonly QuestionFigures[];
  /** Mean absolute difference between the maps of the backdoored network and of its clean twin. */
  readonly distances: readonly ({ readonly image: string; readonly class: string } & Figure)[];
}

export function explanationFigures({ answers, distances }: CamStudy): ExplanationFigures {
  return {
    questions: answers.map(questionFigures),
    distances: distances.map(({ image, class: asked, values }) => ({ image, class: asked, ...meanFigure(values) })),
  };
}

function questionFigures({ question, trigger, control, predicted }: Answer): QuestionFigures {
  return {
    ...{ network: question.network, image: question.image, class: question.class, predicted },
    emptyMaps: trigger.filter(({ pointedAt }) => pointedAt === undefined).length,
    trigger: regionFigures(trigger),
    blind: regionFigures(control),
  };
}

function regionFigures(measures: readonly RegionMeasures[]): RegionFigures {
  // A region without pixels has no share of anything.
  const known = measures.filter(({ area }) => area > 0);
  const values = (name: 'massShare' | 'boxRank') =>
    known.map((one) => one[name]).filter((value) => value !== undefined);
  const pointed = known.map(({ pointedAt }) => pointedAt).filter((value) => value !== undefined);
  const share = pointed.filter(Boolean).length / pointed.length;
  return {
    massShare: figure(values('massShare')),
    area: known.reduce((sum, { area }) => sum + area, 0) / Math.max(1, known.length),
    boxRank: figure(values('boxRank')),
    pointedAt: pointed.length > 0 ? { mean: share, n: pointed.length, ...wilson(share, pointed.length) } : undefined,
  };
}

function figure(values: readonly number[]): Figure | undefined {
  return values.length > 0 ? meanFigure(values) : undefined;
}

/** Mean over at least one image with its t interval; the mean alone for a single image. */
export function meanFigure(values: readonly number[]): Figure {
  const estimate = meanWithInterval(values);
  if (!estimate) throw new RangeError('meanFigure: no values');
  const { value: mean, interval } = estimate;
  return { mean, n: values.length, low: interval?.low ?? mean, high: interval?.high ?? mean };
}
