// Which test images an explanation looks at: attacked ones, drawn by the run's seed.
import { Rng } from '../core/rng.ts';
import { type Dataset, everyRow } from '../data/dataset.ts';
import type { RunSpec } from '../spec/run-spec.ts';
import { ruleOf } from './run-poison.ts';

export interface ExplainedRows {
  readonly rows: readonly number[];
  /** Class that each row is to be taken for with the trigger; never its own. */
  readonly goals: readonly number[];
}

/** At most `count` test images on which the trigger should work. */
export function explainedRows(spec: RunSpec, dataset: Dataset, count: number): ExplainedRows {
  const { goal } = ruleOf(spec, dataset);
  const { test } = dataset;
  const attacked = Array.from(everyRow(test)).filter((row) => {
    const wanted = goal(test.labels[row]);
    return wanted !== undefined && wanted !== test.labels[row];
  });
  const order = Rng.of(spec.seed, 'explained').permutation(attacked.length);
  const rows = Array.from(order.slice(0, count), (at) => attacked[at]);
  return { rows, goals: rows.map((row) => goal(test.labels[row]) as number) };
}
