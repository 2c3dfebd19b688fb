// The record of a run's poisoning: which rows were changed, what their labels were and are. Kept with the run.
import type { PoisonMode, Stamp } from './poison.ts';

/** Raised when the form of a record changes. */
const SCHEMA_VERSION = 1;

/** Changed rows of one mode, in the order in which they were chosen. */
export interface RecordedRows {
  readonly rows: readonly number[];
  readonly originalLabels: readonly number[];
  readonly labels: readonly number[];
  /** Whose pixels each row has; absent where all have their own. */
  readonly pixelsOf?: readonly number[] | undefined;
}

export interface PoisonRecord {
  readonly schemaVersion: 1;
  /** Images of the training set, as many after poisoning as before. */
  readonly trainImages: number;
  /** `per-batch`: rows are chosen anew for every batch, from the run's seed, and none are listed. */
  readonly poisonSet: 'fixed' | 'per-batch';
  readonly attack?: RecordedRows | undefined;
  readonly cover?: RecordedRows | undefined;
  readonly noise?: RecordedRows | undefined;
}

/**
 * What was done to a training set with these labels. The trigger is no part of it, so that the runs of a grid that poison the same
 * rows share one file; it stands in the run's spec.
 * @param stamps the changes; undefined where they are drawn for every batch
 */
export function poisonRecord(labels: ArrayLike<number>, stamps: readonly Stamp[] | undefined): PoisonRecord {
  const of = (mode: PoisonMode): Partial<Record<PoisonMode, RecordedRows>> => {
    const own = (stamps ?? []).filter((stamp) => stamp.mode === mode);
    if (own.length === 0) return {};
    const part: RecordedRows = {
      rows: own.map(({ row }) => row),
      originalLabels: own.map(({ row }) => labels[row]),
      labels: own.map(({ row, label }) => label ?? labels[row]),
      ...(own.some(({ pixelsOf }) => pixelsOf !== undefined) && {
        pixelsOf: own.map(({ row, pixelsOf }) => pixelsOf ?? row),
      }),
    };
    return { [mode]: part };
  };
  return {
    schemaVersion: SCHEMA_VERSION,
    trainImages: labels.length,
    poisonSet: stamps ? 'fixed' : 'per-batch',
    ...of('attack'),
    ...of('cover'),
    ...of('noise'),
  };
}

export function encodePoisonRecord(record: PoisonRecord): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(record)}\n`);
}
