// The cells of an experiment's products: one level of every factor each, before rules and defaults are applied.
import { inputError } from '../core/errors.ts';
import { onceEach } from '../core/once-each.ts';
import { type Axis, axesOf } from './axes.ts';
import type { Catalog } from './catalog.ts';
import type { Block, ExperimentSpec, Level } from './experiment.ts';

/** More runs than this are refused before they are laid out. */
export const MAX_RUNS = 100_000;

export type Levels = Readonly<Record<string, Level>>;

/** One cell of a block's product. */
export interface Cell {
  readonly block: Block;
  /** Of every field but the seed. Cells that differ in nothing else share this object, so that work on it is done once. */
  readonly levels: Levels;
  readonly seed: Level;
}

/**
 * The cells of every block, in the order of the spec.
 * @throws TriggerlabError (input) when there would be too many.
 */
export function layOutCells(experiment: ExperimentSpec): Cell[] {
  refuseTooMany(experiment);
  return experiment.blocks.flatMap((block) => layOut(block, axesOf(block, experiment.zips)));
}

/** A cell's level of a field; an input size that is not written is the model's. */
export function levelOf(cell: Cell, field: string, catalog: Catalog): Level | undefined {
  const level = field === 'seed' ? cell.seed : cell.levels[field];
  if (level || field !== 'inputSize') return level;
  const model = cell.levels.model;
  const { inputSize } = catalog.models.get(String(model.value));
  return { value: inputSize, key: String(inputSize), at: model.at };
}

function refuseTooMany({ name, blocks, zips }: ExperimentSpec): void {
  const runs = blocks.map((block) => axesOf(block, zips).reduce((product, axis) => product * axis.length, 1));
  const total = runs.reduce((sum, count) => sum + count, 0);
  if (total <= MAX_RUNS) return;
  const largest = blocks[runs.indexOf(Math.max(...runs))];
  const sizes = largest.factors
    .filter(({ levels }) => levels.length > 1)
    .map(({ field, levels }) => `${field} ${levels.length}`);
  throw inputError(
    `${largest.at}: "${name}" has ${total.toLocaleString('en-US')} runs (${sizes.join(' × ')}); at most ${MAX_RUNS.toLocaleString('en-US')}`,
    { hint: 'Take fewer levels, or split it into several experiments.' },
  );
}

function layOut(block: Block, axes: readonly Axis[]): Cell[] {
  let rows: { levels: Record<string, Level>; seed?: Level }[] = [{ levels: {} }];
  for (const axis of axes) {
    const steps = axis.map(({ seed, ...own }) => ({ seed, own: Object.keys(own).length > 0 ? own : undefined }));
    const extended = onceEach((levels: Record<string, Level>) =>
      steps.map(({ own }) => {
        if (own === undefined) return levels;
        return axis.length === 1 ? Object.assign(levels, own) : { ...levels, ...own };
      }),
    );
    rows = rows.flatMap((row) =>
      extended(row.levels).map((levels, i) => ({ levels, seed: steps[i].seed ?? row.seed })),
    );
  }
  return rows.map(({ levels, seed }) => ({ block, levels, seed: seed as Level }));
}
