// How often a classifier is right.

/**
 * Share in [0, 1] of predictions that equal their label.
 * @throws RangeError for no predictions at all, or a different number of labels.
 */
export function accuracy(predicted: ArrayLike<number>, labels: ArrayLike<number>): number {
  checkPredictions('accuracy', predicted, labels);
  let right = 0;
  for (let i = 0; i < predicted.length; i++) if (predicted[i] === labels[i]) right++;
  return right / predicted.length;
}

/** @throws RangeError unless there are as many predictions as labels, and at least one. */
export function checkPredictions(metric: string, predicted: ArrayLike<number>, labels: ArrayLike<number>): void {
  if (predicted.length !== labels.length) {
    throw new RangeError(`${metric}: ${predicted.length} predictions for ${labels.length} labels`);
  }
  if (predicted.length === 0) throw new RangeError(`${metric}: no predictions`);
}
