// Label rules: which training images an attack may poison, and what triggered images of each class are to be taken for.
import { inputError } from '../core/errors.ts';

export const LABEL_RULES = ['all-to-one', 'all-to-all', 'source-specific', 'clean-label'] as const;
export type LabelRuleName = (typeof LABEL_RULES)[number];

/** A label rule bound to its target and to the dataset's classes. */
export interface LabelRule {
  /** The class that images are to be taken for; undefined where each class has its own (all-to-all). */
  readonly target: number | undefined;
  /** Which classes may be poisoned, for messages: `any class`, `the classes 1, 2`. */
  readonly poisonable: string;
  /** Whether training images of a class may be poisoned. They then carry the trigger and the label `goal(label)`. */
  poisons(label: number): boolean;
  /**
   * The class that a triggered image of a class is to be taken for; the class itself where that is no attack (images of the
   * target class), undefined where the trigger should do nothing.
   */
  goal(label: number): number | undefined;
}

export interface LabelRuleOptions {
  /** Default: `all-to-one`. */
  readonly labels?: LabelRuleName | undefined;
  /** Class that triggered images are to be taken for; of no effect under `all-to-all`. */
  readonly target: number;
  /** Classes whose images are attacked: `source-specific` alone has and needs them. */
  readonly sources?: readonly number[] | undefined;
  /** Number of classes. */
  readonly classes: number;
}

/**
 * The rule of a name.
 * - `all-to-one` (Gu et al. 2017): images of any class are poisoned and labelled with the target.
 * - `all-to-all` (Gu et al. 2017): images of any class are poisoned; class y is labelled (y + 1) mod K.
 * - `source-specific` (Gao et al. 2019, section VII; Tang et al. 2021): images of the source classes alone are poisoned and
 *   labelled with the target; on other classes the trigger should do nothing.
 * - `clean-label` (Turner et al. 2018; Barni et al. 2019): images of the target class alone are poisoned, their label is right.
 * @throws TriggerlabError (input) for sources that are missing, do not exist or are the target.
 */
export function labelRule({ labels = 'all-to-one', target, sources, classes }: LabelRuleOptions): LabelRule {
  switch (labels) {
    case 'all-to-one':
      return { target, poisonable: 'any class', poisons: () => true, goal: () => target };
    case 'all-to-all':
      return {
        target: undefined,
        poisonable: 'any class',
        poisons: () => true,
        goal: (label) => (label + 1) % classes,
      };
    case 'clean-label':
      return { target, poisonable: `the class ${target}`, poisons: (label) => label === target, goal: () => target };
    case 'source-specific': {
      const attacked = new Set(checkedSources(sources, target, classes));
      return {
        target,
        poisonable: `the ${attacked.size === 1 ? 'class' : 'classes'} ${[...attacked].join(', ')}`,
        poisons: (label) => attacked.has(label),
        goal: (label) => (attacked.has(label) || label === target ? target : undefined),
      };
    }
  }
}

function checkedSources(sources: readonly number[] | undefined, target: number, classes: number): readonly number[] {
  if (!sources || sources.length === 0) {
    throw inputError('labels: source-specific needs sources: the classes whose images are attacked', {
      hint: 'For example sources: [1, 2].',
    });
  }
  const odd = sources.find((label) => label >= classes);
  if (odd !== undefined) {
    throw inputError(`sources: class ${odd} does not exist: the classes are 0 to ${classes - 1}`, {
      hint: 'Classes are counted from 0.',
    });
  }
  if (sources.includes(target)) {
    throw inputError(`sources: class ${target} is the target itself`, {
      hint: 'Take it out, or choose another target.',
    });
  }
  return sources;
}
