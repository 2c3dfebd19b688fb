// How well a score tells two kinds apart.

/**
 * Area under the ROC curve in [0, 1]: the chance that a positive scores higher than a negative, equal scores counting one half (the
 * Mann-Whitney statistic). Undefined without positives or without negatives.
 */
export function areaUnderCurve(scores: ArrayLike<number>, positive: (i: number) => boolean): number | undefined {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a] - scores[b]);
  let [positives, rankSum] = [0, 0];
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && scores[order[end]] === scores[order[start]]) end++;
    // Ranks from 1; equal scores share their mean.
    const rank = (start + 1 + end) / 2;
    for (; start < end; start++) {
      if (!positive(order[start])) continue;
      positives++;
      rankSum += rank;
    }
  }
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) return undefined;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
