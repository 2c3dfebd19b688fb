// Trains a classifier on with the clean images that a defender has.
import { inputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { ImageSource } from '../data/dataset.ts';
import { testQuotas } from '../data/stratify.ts';
import { rowsOf } from '../data/subset.ts';
import { trainedOn } from '../train/network.ts';
import { train } from '../train/train.ts';
import type { Classifier, DefenseSubject, DefenseWatch, PassCount } from './defense.ts';
import type { TuningSettings } from './tuning-fields.ts';

type Holdings = Pick<DefenseSubject, 'dataset' | 'cleanRows' | 'seed'>;

/**
 * The rows of `dataset.train` that a defender with so large a share of the training images holds: clean ones, evenly by class,
 * drawn by the seed; ascending. A larger budget holds all images of a smaller one but for rounding.
 * @throws TriggerlabError (input) for more images than there are clean ones, or none.
 */
export function defenderRows({ dataset, cleanRows, seed }: Holdings, budget: number): Int32Array {
  const { labels, count } = dataset.train;
  const wanted = Math.round(budget * count);
  if (wanted < 1 || wanted > cleanRows.length) {
    throw inputError(
      `a budget of ${budget} is ${wanted} of ${count} training images, and ${cleanRows.length} are clean`,
      { hint: wanted < 1 ? 'Take a larger budget.' : 'Take a smaller budget.' },
    );
  }
  const classes = dataset.classes.map((_, c) => cleanRows.filter((row) => labels[row] === c));
  const quotas = testQuotas(
    classes.map((rows) => rows.length),
    wanted,
  );
  const chosen = classes.flatMap((rows, c) => {
    const order = Rng.of(seed, 'defender', c).permutation(rows.length);
    return Array.from(order.slice(0, quotas[c]), (i) => rows[i]);
  });
  return Int32Array.from(chosen).sort();
}

/** The images of some rows of a defender's dataset, with their true labels. */
export function defenderImages({ dataset }: Pick<DefenseSubject, 'dataset'>, rows: Int32Array): ImageSource {
  return rowsOf(
    dataset.train,
    rows,
    Uint16Array.from(rows, (row) => dataset.train.labels[row]),
  );
}

export interface FineTuned {
  readonly classifier: Classifier;
  readonly cost: PassCount;
  /** Images that the defender has. */
  readonly images: number;
  readonly epochLosses: readonly number[];
}

/** `classifier` after training on the defender's images. The same subject and settings give the same bits. */
export async function fineTune(
  subject: DefenseSubject,
  { network, trained }: Classifier,
  settings: TuningSettings,
  { onProgress, checkStop }: DefenseWatch,
): Promise<FineTuned> {
  const { budget, trains, ...schedule } = settings;
  const rows = defenderRows(subject, budget);
  const started = trainedOn(network, trained, trains === 'all' ? { kind: 'none' } : undefined);
  const result = await train(subject.runtime, started, defenderImages(subject, rows), {
    ...schedule,
    seed: subject.seed,
    onProgress: (share) => {
      checkStop?.();
      onProgress?.(share);
    },
  });
  const passes = rows.length * settings.epochs;
  return {
    classifier: { network: started, trained: result.trained },
    cost: { forwardPasses: passes, backwardPasses: passes },
    images: rows.length,
    epochLosses: result.epochLosses,
  };
}
