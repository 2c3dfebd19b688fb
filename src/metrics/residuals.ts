// How alike the changes are that a trigger makes to different images: near 1 for a fixed pattern, near 0 for sample-specific ones.

export interface ResidualSimilarity {
  /** Mean over all pairs of images of the cosine of their residuals; NaN with fewer than two images that were changed. */
  readonly cosine: number;
  /** Share of the residuals' energy that is in their mean, the part that all images have in common; in [0, 1]. */
  readonly common: number;
}

/**
 * `before` and `after` hold `count` images each, bytes one after another. Images that were not changed count for `common` alone.
 * With unit residuals uᵢ the mean over all pairs is (|Σu|² − n) / (n·(n − 1)): no pair need be looked at.
 */
export function residualSimilarity(before: Uint8Array, after: Uint8Array, count: number): ResidualSimilarity {
  const length = before.length / count;
  const sum = new Float64Array(length);
  const units = new Float64Array(length);
  let changed = 0;
  let energy = 0;
  for (let i = 0; i < count; i++) {
    const residual = Float64Array.from({ length }, (_, at) => after[i * length + at] - before[i * length + at]);
    const square = residual.reduce((total, value) => total + value * value, 0);
    energy += square;
    if (square > 0) changed++;
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let at = 0; at < length; at++) {
      sum[at] += residual[at];
      units[at] += residual[at] * scale;
    }
  }
  const squareOf = (vector: Float64Array) => vector.reduce((total, value) => total + value * value, 0);
  return {
    cosine: changed < 2 ? Number.NaN : (squareOf(units) - changed) / (changed * (changed - 1)),
    common: energy > 0 ? squareOf(sum) / count / energy : 0,
  };
}
