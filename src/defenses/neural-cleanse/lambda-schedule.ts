// The weight λ of the mask's size in Neural Cleanse (Wang et al. 2019), as a pure state machine: one transition per optimisation step.

export interface LambdaSchedule {
  /** Steps in a row, of success or of failure, after which λ moves. */
  readonly patience: number;
  /** λ before the first success in a row of `patience`: 0 in the reference. */
  readonly initial: number;
  /** λ once that has come. */
  readonly first: number;
  readonly raise: number;
  readonly lower: number;
  /** A step succeeds at this share of images taken for the class. */
  readonly success: number;
  /** Steps without a smaller mask after which a class is done, provided that λ has been raised and lowered. */
  readonly stopAfter: number;
}

/** The values of the authors' program (bolunwang/backdoor, `visualizer.py`). */
export const REFERENCE_LAMBDA: LambdaSchedule = {
  patience: 5,
  initial: 0,
  first: 1e-3,
  raise: 2,
  lower: 2 ** 1.5,
  success: 0.99,
  stopAfter: 25,
};

export interface LambdaState {
  readonly lambda: number;
  /** Successes in a row while λ is still 0. */
  readonly waiting: number;
  readonly successes: number;
  readonly failures: number;
  readonly raised: boolean;
  readonly lowered: boolean;
  /** Smallest mask of a successful step so far; Infinity before there is one. */
  readonly best: number;
  /** Steps since it became smaller. */
  readonly idle: number;
}

export interface LambdaTransition {
  readonly state: LambdaState;
  /** Whether this step's mask is the smallest so far that works. */
  readonly improved: boolean;
  /** Whether the class is done. */
  readonly stop: boolean;
}

export function startLambda({ initial }: LambdaSchedule): LambdaState {
  return {
    ...{ lambda: initial, waiting: 0, successes: 0, failures: 0, raised: false, lowered: false },
    ...{ best: Number.POSITIVE_INFINITY, idle: 0 },
  };
}

/**
 * What follows from a step with this attack success (share in [0, 1]) and mask norm ‖m‖₁. A norm that is not a number never
 * counts as success. The order is the reference's: best mask, early stop, first λ, raising and lowering.
 */
export function nextLambda(
  schedule: LambdaSchedule,
  before: LambdaState,
  step: { readonly success: number; readonly norm: number },
): LambdaTransition {
  const works = step.success >= schedule.success && Number.isFinite(step.norm);
  const improved = works && step.norm < before.best;
  const best = improved ? step.norm : before.best;
  const idle = improved || best === Number.POSITIVE_INFINITY ? 0 : before.idle + 1;
  if (before.raised && before.lowered && idle >= schedule.stopAfter) {
    return { state: { ...before, best, idle }, improved, stop: true };
  }
  let { lambda, raised, lowered } = before;
  let [successes, failures] = [before.successes, before.failures];
  const waiting = lambda === 0 && works ? before.waiting + 1 : 0;
  if (waiting >= schedule.patience) {
    lambda = schedule.first;
    [successes, failures, raised, lowered] = [0, 0, false, false];
  }
  [successes, failures] = works ? [successes + 1, 0] : [0, failures + 1];
  if (successes >= schedule.patience) {
    lambda *= schedule.raise;
    [successes, raised] = [0, true];
  } else if (failures >= schedule.patience) {
    lambda /= schedule.lower;
    [failures, lowered] = [0, true];
  }
  return { state: { lambda, waiting, successes, failures, raised, lowered, best, idle }, improved, stop: false };
}
