// What Spectral Signatures does: squared length of each centred feature vector along its class's top right singular vector.
import type { DefenseResult, DefenseSubject, DefenseWatch } from './defense.ts';
import { centred, type HiddenFeatures, labelledFeatures } from './hidden-features.ts';
import { principal, projected } from './principal.ts';
import { measureFindings } from './row-findings.ts';
import type { SpectralSignaturesParameters } from './spectral-signatures.ts';

/** The outlier score of each of some rows: ((x − mean) · v)², v the top right singular vector of the centred rows. */
export function spectralScores(features: HiddenFeatures, rows: readonly number[]): Float64Array {
  const { points } = centred(features, rows);
  const { vectors } = principal(points, features.width, 1);
  return projected(points, features.width, vectors).map((value) => value ** 2);
}

/**
 * From each class as many rows are flagged as 1.5 times the largest number that may be poisoned in it. `auc` is over rows of the classes
 * that hold poisoned ones: scores compare within a class alone.
 */
export async function spectralFindings(
  subject: DefenseSubject,
  { epsilon, multiplier }: SpectralSignaturesParameters,
  watch: DefenseWatch,
): Promise<DefenseResult> {
  const { onProgress, checkStop } = watch;
  const { source, classes, poisoned, rows: everyRow, features } = await labelledFeatures(subject, 0.8, watch);
  const expected = epsilon === 'known' ? mostPoisoned(classes, poisoned) : epsilon * source.count;
  const flagged = new Uint8Array(source.count);
  const scores = new Float64Array(source.count);
  const details = classes.map((rows, label) => {
    checkStop?.();
    onProgress?.(0.8 + (0.2 * label) / classes.length, 'singular vectors');
    const removed = Math.min(Math.round(multiplier * expected), Math.floor(rows.length / 2));
    const own = rows.length < 2 ? new Float64Array(rows.length) : spectralScores(features, rows);
    const order = rows.map((_, i) => i).sort((a, b) => own[b] - own[a] || a - b);
    rows.forEach((row, i) => {
      scores[row] = own[i];
    });
    for (const i of order.slice(0, removed)) flagged[rows[i]] = 1;
    const hidden = rows.filter((row) => poisoned.has(row));
    return {
      ...{ class: label, images: rows.length, removed, poisoned: hidden.length },
      poisonedRemoved: hidden.filter((row) => flagged[row] === 1).length,
    };
  });
  const within = classes.filter((rows) => rows.some((row) => poisoned.has(row))).flat();
  const pick = (values: ArrayLike<number>) => within.map((row) => values[row]);
  const { auc } = measureFindings({ rows: within, flagged: pick(flagged), scores: pick(scores) }, poisoned);
  return {
    metrics: { ...measureFindings({ rows: everyRow, flagged, scores }, poisoned), auc },
    details: { classes: details },
    cost: { forwardPasses: source.count, backwardPasses: 0 },
  };
}

/** The most poisoned rows that any class holds. */
function mostPoisoned(classes: readonly (readonly number[])[], poisoned: ReadonlySet<number>): number {
  return Math.max(...classes.map((rows) => rows.filter((row) => poisoned.has(row)).length));
}
