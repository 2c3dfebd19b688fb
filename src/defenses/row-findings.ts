// Findings about rows of a training set, measured against the rows that are known to be poisoned.
import { areaUnderCurve } from '../metrics/roc.ts';
import type { Finding } from './defense.ts';

export interface RowFindings {
  /** Rows that were looked at. */
  readonly rows: ArrayLike<number> & Iterable<number>;
  /** Whether each of them is taken for poisoned. */
  readonly flagged: ArrayLike<number | boolean>;
  /** How much each of them looks like it: larger is more. */
  readonly scores: ArrayLike<number>;
}

/**
 * `flaggedRows`; `recall` (share of poisoned rows that are flagged), `falsePositiveRate` (share of the others that are), `precision` and
 * `auc`. Where only a sample was looked at, precision is what the two rates make of the share `poisonShare` of all rows.
 */
export function measureFindings(
  { rows, flagged, scores }: RowFindings,
  poisoned: ReadonlySet<number>,
  poisonShare?: number,
): Record<string, Finding> {
  const list = Array.from(rows);
  const counts = { poisoned: 0, caught: 0, clean: 0, accused: 0 };
  list.forEach((row, i) => {
    const found = Number(flagged[i]);
    if (poisoned.has(row)) {
      counts.poisoned++;
      counts.caught += found;
    } else {
      counts.clean++;
      counts.accused += found;
    }
  });
  const share = (part: number, all: number) => (all === 0 ? null : part / all);
  const recall = share(counts.caught, counts.poisoned);
  const falsePositiveRate = share(counts.accused, counts.clean);
  const weight = poisonShare ?? counts.poisoned / list.length;
  const [hits, misses] = [(recall ?? 0) * weight, (falsePositiveRate ?? 0) * (1 - weight)];
  return {
    examinedRows: list.length,
    flaggedRows: counts.caught + counts.accused,
    precision: counts.poisoned === 0 ? null : share(hits, hits + misses),
    recall,
    falsePositiveRate,
    auc: areaUnderCurve(scores, (i) => poisoned.has(list[i])) ?? null,
  };
}
