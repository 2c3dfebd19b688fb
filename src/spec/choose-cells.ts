// Which cells of an experiment's products are done: those of a fractional design, or a sample of all. Clean blocks stay whole.
import { inputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { SOBOL_DIMENSIONS, sobolPoints } from '../core/sobol.ts';
import type { Cell } from './cells.ts';
import type { Block, Design, ExperimentSpec, Sample } from './experiment.ts';
import { isInFraction } from './fraction.ts';

const isClean = ({ block }: Cell) => block.attackType === 'none';

/** The cells of the fraction. @throws TriggerlabError (input) where a factor has not exactly two levels. */
export function applyDesign(design: Design, cells: readonly Cell[]): Cell[] {
  const lows = new Map<Block, readonly string[]>();
  const lowsOf = (block: Block) => {
    const known = lows.get(block) ?? design.fields.map((field) => lowLevel(design, block, field));
    lows.set(block, known);
    return known;
  };
  return cells.filter((cell) => {
    if (isClean(cell)) return true;
    const low = lowsOf(cell.block);
    return isInFraction(
      design.fraction,
      design.fields.map((field, at) => (keyIn(cell, field) === low[at] ? -1 : 1)),
    );
  });
}

function lowLevel({ at, letters, fields }: Design, { attackType, factors }: Block, field: string): string {
  const levels = factors.find((factor) => factor.field === field)?.levels ?? [];
  if (levels.length === 2) return levels[0].key;
  const letter = letters[fields.indexOf(field)];
  throw inputError(
    `${at}: design: ${letter} (${field}) has ${levels.length} levels in runs of ${attackType}, expected 2`,
    {
      hint: 'Each factor of the design takes a list of two values.',
    },
  );
}

/**
 * As many cells as the sample asks for, in their order. Of several blocks each gives a share by its size.
 * @throws TriggerlabError (input) when there are not that many, or too many factors vary for Sobol's sequence.
 */
export function applySample(sample: Sample, cells: readonly Cell[], { overridden }: ExperimentSpec): Cell[] {
  const open = cells.filter((cell) => !isClean(cell));
  if (sample.runs > open.length && !overridden) {
    throw inputError(`${sample.at}: sample: ${sample.runs} runs of ${open.length}`, {
      hint: 'Take fewer, or take the sample out.',
    });
  }
  if (sample.runs >= open.length) return [...cells];
  const chosen = new Set(sample.method === 'random' ? atRandom(sample, open) : bySobol(sample, open));
  return cells.filter((cell) => isClean(cell) || chosen.has(cell));
}

function atRandom({ runs, seed }: Sample, cells: readonly Cell[]): Cell[] {
  return [...Rng.of(seed, 'sample').permutation(cells.length).subarray(0, runs)].map((at) => cells[at]);
}

function bySobol(sample: Sample, cells: readonly Cell[]): Cell[] {
  const blocks = new Map<Block, Cell[]>();
  for (const cell of cells) {
    const own = blocks.get(cell.block);
    if (own) own.push(cell);
    else blocks.set(cell.block, [cell]);
  }
  const groups = [...blocks.values()];
  return shares(
    sample.runs,
    groups.map((own) => own.length),
  ).flatMap((count, i) => evenly(sample, groups[i], count, i));
}

/** `total` split in proportion to the sizes: rounded down, the rest to the largest remainders. */
function shares(total: number, sizes: readonly number[]): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (total * size) / all);
  const counts = exact.map(Math.floor);
  const order = exact
    .map((share, at) => ({ at, rest: share - counts[at] }))
    .sort((a, b) => b.rest - a.rest || a.at - b.at);
  const missing = total - counts.reduce((sum, count) => sum + count, 0);
  for (const { at } of order.slice(0, missing)) counts[at]++;
  return counts;
}

/** Cells at the first points of the sequence that fall on one not taken yet; what rules have left of a product may be missed by many. */
function evenly(sample: Sample, cells: readonly Cell[], count: number, stream: number): Cell[] {
  const axes = varyingLevels(cells);
  if (axes.length > SOBOL_DIMENSIONS) {
    throw inputError(`${sample.at}: sample: ${axes.length} fields vary, sobol takes at most ${SOBOL_DIMENSIONS}`, {
      hint: 'Take method: random.',
    });
  }
  const keyOf = (cell: Cell) => JSON.stringify(axes.map(({ field }) => keyIn(cell, field)));
  const free = new Map(cells.map((cell) => [keyOf(cell), cell]));
  const taken: Cell[] = [];
  if (axes.length > 0) {
    let misses = 0;
    for (const point of sobolPoints(axes.length, sample.seed)) {
      if (taken.length === count || misses > 1000 + 20 * cells.length) break;
      const key = JSON.stringify(axes.map(({ levels }, at) => levels[Math.floor(point[at] * levels.length)]));
      const cell = free.get(key);
      if (!cell) misses++;
      else {
        taken.push(cell);
        free.delete(key);
      }
    }
  }
  const rest = [...free.values()];
  const order = Rng.of(sample.seed, 'sample', stream).permutation(rest.length);
  return [...taken, ...[...order.subarray(0, count - taken.length)].map((at) => rest[at])];
}

function keyIn({ levels, seed }: Cell, field: string): string | undefined {
  return (field === 'seed' ? seed : levels[field])?.key;
}

/** The fields in which cells differ and the keys of their levels; of fields that always change together the first. */
function varyingLevels(cells: readonly Cell[]): { field: string; levels: readonly (string | undefined)[] }[] {
  const fields = new Set<string>();
  const blocks = new Set(cells.map(({ block }) => block));
  for (const { factors } of blocks) for (const { field } of factors) fields.add(field);
  // A `when` may have added some.
  for (const { levels } of cells) for (const field in levels) fields.add(field);
  const seen = new Set<string>();
  return [...fields].flatMap((field) => {
    const levels = [...new Set(cells.map((cell) => keyIn(cell, field)))];
    if (levels.length < 2) return [];
    const pattern = cells.map((cell) => levels.indexOf(keyIn(cell, field))).join();
    if (seen.has(pattern)) return [];
    seen.add(pattern);
    return [{ field, levels }];
  });
}
