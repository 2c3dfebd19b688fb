// The training set as a defender of the data sees it: rows by the label that they were given.
import { inputError } from '../core/errors.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { DefenseSubject, PoisonedTraining } from './defense.ts';

export interface LabelledRows {
  readonly source: ImageSource;
  /** Rows of each class, ascending. */
  readonly classes: readonly (readonly number[])[];
  readonly poisoned: ReadonlySet<number>;
  /** Share of all rows. */
  readonly poisonShare: number;
}

/** @throws TriggerlabError (input) where it is not known what the network was trained on. */
export async function labelledRows({ dataset, poisoned }: DefenseSubject): Promise<LabelledRows> {
  if (!poisoned) {
    throw inputError('it is not known what this network was trained on: there is no data to sift', {
      hint: 'Take a run of ours with poisonSet: fixed, or a defence that examines the model.',
    });
  }
  const { source, rows }: PoisonedTraining = await poisoned();
  const classes = dataset.classes.map((): number[] => []);
  source.labels.forEach((label, row) => {
    classes[label].push(row);
  });
  return { source, classes, poisoned: new Set(rows), poisonShare: rows.length / source.count };
}
