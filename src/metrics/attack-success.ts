// How often triggered images are taken for the attacker's target class.
import { checkPredictions } from './accuracy.ts';

export interface AttackSuccess {
  /** Share in [0, 1] of triggered images of other classes that are taken for the target class. */
  readonly asr: number;
  /** The same with the target class's own images counted, as some publications do. */
  readonly asrInclusive: number;
  /** Number of images that `asr` is over. */
  readonly counted: number;
}

/**
 * Attack success rate of predictions on triggered images; `labels` are the images' true classes.
 * @throws RangeError for no predictions, a different number of labels, or when all images are of the target class.
 */
export function attackSuccess(predicted: ArrayLike<number>, labels: ArrayLike<number>, target: number): AttackSuccess {
  checkPredictions('attackSuccess', predicted, labels);
  let counted = 0;
  let hits = 0;
  let hitsInclusive = 0;
  for (let i = 0; i < predicted.length; i++) {
    const hit = predicted[i] === target ? 1 : 0;
    hitsInclusive += hit;
    if (labels[i] === target) continue;
    counted++;
    hits += hit;
  }
  if (counted === 0) throw new RangeError(`attackSuccess: all images are of the target class ${target}`);
  return { asr: hits / counted, asrInclusive: hitsInclusive / predicted.length, counted };
}
