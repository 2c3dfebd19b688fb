// A training set whose poisoned rows are drawn anew for every batch.
import { inputError } from '../core/errors.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { choosePoisonOfBatch, type PoisonOptions } from './poison.ts';
import { type StampingOptions, type TriggeredSource, withStamps } from './poisoned-set.ts';

/** Images of which every batch sees its own version; read by themselves they are the clean ones. */
export interface DrawnSource extends ImageSource {
  /** The images as the batch of a step (from 0) sees them; meant for these rows only. */
  draw(rows: ArrayLike<number>, step: number): Promise<TriggeredSource>;
}

/**
 * `source` with the first rows of each batch poisoned: see `choosePoisonOfBatch`. Over an epoch any row may come with the trigger, and
 * in the next without it; noise images are new every time.
 * @throws TriggerlabError (input) for what a batch cannot hold, or a noise form that belongs to a set made once.
 */
export function drawnForBatches(
  source: ImageSource,
  trigger: Trigger,
  poison: PoisonOptions,
  input: StampingOptions['input'],
): DrawnSource {
  const { rate, coverRate = 0, noisePerAttack = 0, noisePixels, seed } = poison;
  const share = rate * (1 + noisePerAttack) + coverRate;
  if (share > 1) {
    throw inputError(`poisonSet: per-batch changes ${Math.round(100 * share)} % of each batch`, {
      hint: 'Take a smaller poisonRate or fewer noise images.',
    });
  }
  if (noisePixels === 'others') {
    throw inputError('noisePixels: others needs poisonSet: fixed: it is a slip of code that makes its set once');
  }
  return {
    ...source,
    draw: (rows, step) =>
      withStamps(source, trigger, choosePoisonOfBatch(rows, source.labels, poison), {
        ...{ seed, split: 'train', step },
        ...(input && { input }),
      }),
  };
}
