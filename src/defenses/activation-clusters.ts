// What Activation Clustering does: per class, principal components of the hidden activations, two means, size and silhouette.
import { Rng } from '../core/rng.ts';
import type { ActivationClusteringParameters } from './activation-clustering.ts';
import type { DefenseResult, DefenseSubject, DefenseWatch } from './defense.ts';
import { centred, type HiddenFeatures, labelledFeatures } from './hidden-features.ts';
import { principal, projected } from './principal.ts';
import { measureFindings } from './row-findings.ts';
import { silhouette, squaredDistance, twoMeans } from './two-means.ts';

/** The silhouette of a large class is that of so many of its images: it takes the distances of all pairs. */
const SILHOUETTE_ROWS = 2000;

export interface ClassClusters {
  readonly class: number;
  readonly images: number;
  /** Share of the class's images in its smaller cluster, in [0, 0.5]. */
  readonly smallerShare: number;
  readonly silhouette: number;
  readonly flagged: boolean;
  /** Poisoned images of the class, and those of them in the smaller cluster. */
  readonly poisoned: number;
  readonly poisonedInSmaller: number;
}

export async function clusterActivations(
  subject: DefenseSubject,
  settings: ActivationClusteringParameters,
  watch: DefenseWatch,
): Promise<DefenseResult> {
  const { onProgress, checkStop } = watch;
  const { source, classes, poisoned, rows: everyRow, features } = await labelledFeatures(subject, 0.7, watch);
  const flagged = new Uint8Array(source.count);
  const scores = new Float64Array(source.count);
  const found: ClassClusters[] = [];
  for (const [label, rows] of classes.entries()) {
    checkStop?.();
    onProgress?.(0.7 + (0.3 * label) / classes.length, 'clusters');
    // Two clusters need three images to be unequal.
    if (rows.length < 3) continue;
    const one = clustersOf(features, rows, settings.dimensions, Rng.of(subject.seed, 'two-means', label));
    const smallerShare = one.smaller / rows.length;
    const suspicious = smallerShare <= settings.sizeThreshold && one.silhouette > settings.silhouetteThreshold;
    rows.forEach((row, i) => {
      scores[row] = one.scores[i];
      if (suspicious && one.cluster[i] === 1) flagged[row] = 1;
    });
    const hidden = rows.flatMap((row, i) => (poisoned.has(row) ? [one.cluster[i]] : []));
    found.push({
      class: label,
      images: rows.length,
      smallerShare,
      silhouette: one.silhouette,
      flagged: suspicious,
      poisoned: hidden.length,
      poisonedInSmaller: hidden.filter((cluster) => cluster === 1).length,
    });
  }
  const suspects = found.filter((one) => one.flagged).map((one) => one.class);
  const { targetClass } = subject;
  return {
    metrics: {
      flaggedClasses: suspects.length,
      targetFlagged: targetClass === undefined ? null : suspects.includes(targetClass),
      ...measureFindings({ rows: everyRow, flagged, scores }, poisoned),
    },
    details: { classes: found },
    cost: { forwardPasses: source.count, backwardPasses: 0 },
  };
}

/** The clusters of some rows. `scores`: how much nearer a row is to the smaller cluster's centre than to the other's. */
export function clustersOf(features: HiddenFeatures, rows: readonly number[], dimensions: number, rng: Rng) {
  const { points } = centred(features, rows);
  const { vectors } = principal(points, features.width, dimensions);
  const width = vectors.length;
  const reduced = projected(points, features.width, vectors);
  const { cluster, smaller, centres, inertia } = twoMeans(reduced, width, rng);
  const at = (i: number) => reduced.subarray(i * width, (i + 1) * width);
  const distance = (i: number, centre: Float64Array) => Math.sqrt(squaredDistance(at(i), centre));
  const order = rng.fork('silhouette').permutation(rows.length).slice(0, SILHOUETTE_ROWS);
  const sample = rows.length <= SILHOUETTE_ROWS ? Int32Array.from(rows.keys()) : order;
  const sampled = new Float64Array(sample.length * width);
  sample.forEach((i, k) => {
    sampled.set(at(i), k * width);
  });
  return {
    ...{ cluster, smaller, inertia },
    silhouette: silhouette(
      sampled,
      width,
      Uint8Array.from(sample, (i) => cluster[i]),
    ),
    scores: rows.map((_, i) => distance(i, centres[0]) - distance(i, centres[1])),
  };
}
