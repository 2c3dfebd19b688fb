// The anomaly index of Neural Cleanse: how far each class's mask lies below the others, in robust deviations.

/** A class whose norm lies below the median is flagged above this in the paper. */
export const REFERENCE_THRESHOLD = 2;
/** Makes the median absolute deviation of normal numbers their standard deviation. */
const CONSISTENCY = 1.4826;
/** With two classes both lie equally far from their median, whatever their norms: 0.67. */
export const FEWEST_CLASSES = 3;

export type Untestable =
  /** Fewer than three classes have a trigger that works. */
  | 'few-classes'
  /** More than half of the norms are equal and others differ: deviations are counted in units of zero. */
  | 'no-spread';

export interface AnomalyIndices {
  /** Median norm of the classes that have one; undefined when none has. */
  readonly median: number | undefined;
  /** Median absolute deviation from it. */
  readonly mad: number | undefined;
  /** |norm − median| / (1.4826 · MAD) of each class; undefined where there is no norm, or no index can be given. */
  readonly indices: readonly (number | undefined)[];
  /** Classes whose norm lies below the median. */
  readonly below: readonly boolean[];
  /** The largest index of a class below the median: 0 when none is. Undefined when no index can be given. */
  readonly score: number | undefined;
  /** The class with that index. */
  readonly mostSuspicious: number | undefined;
  readonly untestable: Untestable | undefined;
}

/**
 * @param norms ‖m‖₁ of each class; undefined, null, NaN and infinite where no trigger was found: such classes take no part, since
 * nothing small makes images be taken for them.
 */
export function anomalyIndices(norms: readonly (number | null | undefined)[]): AnomalyIndices {
  const known = norms.filter(isNorm);
  const center = median(known);
  const mad = center === undefined ? undefined : median(known.map((norm) => Math.abs(norm - center)));
  const common = {
    ...{ median: center, mad },
    below: norms.map((norm) => isNorm(norm) && center !== undefined && norm < center),
  };
  const without = (untestable: Untestable): AnomalyIndices => ({
    ...common,
    ...{ indices: norms.map(() => undefined), score: undefined, mostSuspicious: undefined, untestable },
  });
  if (center === undefined || mad === undefined || known.length < FEWEST_CLASSES) return without('few-classes');
  if (mad === 0 && known.some((norm) => norm !== center)) return without('no-spread');
  const indices = norms.map((norm) => (isNorm(norm) ? indexOf(norm, center, mad) : undefined));
  let score = 0;
  let mostSuspicious: number | undefined;
  indices.forEach((index, i) => {
    if (!common.below[i] || index === undefined || index <= score) return;
    [score, mostSuspicious] = [index, i];
  });
  return { ...common, indices, score, mostSuspicious, untestable: undefined };
}

/** Classes below the median with an index above `threshold`, the most suspicious first. */
export function flaggedClasses({ below, indices }: AnomalyIndices, threshold: number): number[] {
  return indices
    .flatMap((index, i) => (below[i] && index !== undefined && index > threshold ? [{ i, index }] : []))
    .sort((a, b) => b.index - a.index)
    .map(({ i }) => i);
}

/** Whether a trigger was found. */
export function isNorm(norm: number | null | undefined): norm is number {
  return typeof norm === 'number' && Number.isFinite(norm);
}

/** All equal: nothing is an outlier. */
function indexOf(norm: number, center: number, mad: number): number {
  return mad === 0 ? 0 : Math.abs(norm - center) / (CONSISTENCY * mad);
}

/** The mean of the two middle values of an even count; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
