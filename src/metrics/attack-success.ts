// How often triggered images are taken for what the attacker wants them to be.
import type { LabelRule } from '../triggers/label-rule.ts';
import { checkPredictions } from './accuracy.ts';

export interface AttackSuccess {
  /** Share in [0, 1] of the attacked images that are taken for their goal. Images whose own class is the goal do not count. */
  readonly asr: number;
  /** The same with those images counted, as some publications do. */
  readonly asrInclusive: number;
  /** Number of images that `asr` is over. */
  readonly counted: number;
  /**
   * Share in [0, 1] of triggered images on which the trigger should do nothing (source-specific attacks: neither of a source
   * class nor of the target class) that are taken for the target all the same; undefined where there are none.
   */
  readonly falseTriggerRate: number | undefined;
}

/**
 * Attack success of predictions on triggered images; `labels` are the images' true classes. By label rule, `asr` is over
 * - all-to-one and clean-label: images of other classes than the target, taken for the target;
 * - all-to-all: all images, taken for the class after their own (`asrInclusive` is then the same);
 * - source-specific: images of the source classes, taken for the target (`asrInclusive`: and those of the target class).
 * @param rule a label rule, or the target class of an all-to-one attack
 * @throws RangeError for no predictions, a different number of labels, or when no image is attacked.
 */
export function attackSuccess(
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  rule: number | Pick<LabelRule, 'goal' | 'target'>,
): AttackSuccess {
  checkPredictions('attackSuccess', predicted, labels);
  const { goal, target } = typeof rule === 'number' ? { goal: () => rule, target: rule } : rule;
  const attacked = { images: 0, hits: 0 };
  const own = { images: 0, hits: 0 };
  const spared = { images: 0, hits: 0 };
  for (let i = 0; i < predicted.length; i++) {
    const wanted = goal(labels[i]);
    const group = wanted === undefined ? spared : wanted === labels[i] ? own : attacked;
    group.images++;
    if (predicted[i] === (wanted ?? target)) group.hits++;
  }
  if (attacked.images === 0) {
    throw new RangeError(
      own.images > 0
        ? `attackSuccess: all images are of the target class ${target}`
        : 'attackSuccess: no image is attacked',
    );
  }
  return {
    asr: attacked.hits / attacked.images,
    asrInclusive: (attacked.hits + own.hits) / (attacked.images + own.images),
    counted: attacked.images,
    falseTriggerRate: spared.images > 0 ? spared.hits / spared.images : undefined,
  };
}
