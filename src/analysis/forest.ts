// A check without a model of how factors combine: permutation importance on a random forest, tested on other seeds.
// L. Breiman, "Random forests", Machine Learning 45 (2001) 5-32. Own code: the forests on npm sort every column at every
// node, which takes minutes for a thousand runs; here columns are a handful of levels and a node counts them.
import { Rng } from '../core/rng.ts';
import type { Design } from './design.ts';

const TREES = 50;
const MIN_LEAF = 3;
const MAX_DEPTH = 16;
/** More observations than these say nothing new about importance. */
const MAX_ROWS = 1500;
const PERMUTATIONS = 3;

interface Split {
  readonly factor: number;
  /** Levels that go left, as bits. */
  readonly left: number;
  readonly below: readonly [Tree, Tree];
}
type Tree = Split | number;

export interface Importance {
  readonly factor: string;
  /** How much the squared error on unseen seeds grows, as a share of their variance, when the factor's values are shuffled. */
  readonly importance: number;
  /** The smallest and the largest over the seeds left out. */
  readonly low: number;
  readonly high: number;
}

export interface ForestCheck {
  readonly importances: readonly Importance[];
  /** Share of the variance of unseen seeds that the forest predicts. */
  readonly rSquared: number;
  /** Seeds left out in turn. */
  readonly folds: number;
}

/**
 * Trains on all seeds but one and shuffles each factor in the one left out, for up to five seeds in turn. Undefined with
 * fewer than two seeds or twenty observations. Deterministic.
 */
export function forestCheck(design: Design): ForestCheck | undefined {
  const { blocks, factors } = design;
  if (blocks.length < 2 || design.y.length < 20 || factors.length === 0) return undefined;
  const folds = blocks.slice(0, 5).map((_, fold) => oneFold(design, fold));
  const importances = factors.map(({ name }, at) => {
    const values = folds.map((fold) => fold.importances[at]);
    return {
      factor: name,
      importance: values.reduce((sum, value) => sum + value, 0) / values.length,
      low: Math.min(...values),
      high: Math.max(...values),
    };
  });
  const rSquared = folds.reduce((sum, fold) => sum + fold.rSquared, 0) / folds.length;
  return { importances, rSquared, folds: folds.length };
}

function oneFold(design: Design, fold: number): { importances: number[]; rSquared: number } {
  const rng = Rng.of(0, 'forest', fold);
  const rows = Array.from(design.y, (_, row) => row);
  const train = sample(
    rows.filter((row) => design.blockOf[row] !== fold),
    rng.fork('train'),
  );
  const test = sample(
    rows.filter((row) => design.blockOf[row] === fold),
    rng.fork('test'),
  );
  const codes = design.factors.map((factor) => factor.codes);
  const levels = design.factors.map((factor) => factor.levels.length);
  const trees = Array.from({ length: TREES }, (_, at) => {
    const draw = rng.fork('tree', at);
    const bag = train.map(() => train[draw.int(0, train.length - 1)]);
    return grow(bag, codes, levels, design.y, draw, 0);
  });
  const mean = test.reduce((sum, row) => sum + design.y[row], 0) / test.length;
  const variance = test.reduce((sum, row) => sum + (design.y[row] - mean) ** 2, 0) / test.length;
  if (!(variance > 0)) return { importances: codes.map(() => 0), rSquared: 0 };
  const seen = test.map((row) => codes.map((levelsOf) => levelsOf[row]));
  const predicted = remembered(trees, levels);
  const error = () => test.reduce((sum, row, at) => sum + (design.y[row] - predicted(seen[at])) ** 2, 0) / test.length;
  const plain = error();
  const importances = codes.map((own, shuffled) => {
    let total = 0;
    for (let time = 0; time < PERMUTATIONS; time++) {
      const order = rng.fork('shuffle', shuffled, time).permutation(test.length);
      for (const [at, other] of order.entries()) seen[at][shuffled] = own[test[other]];
      total += error();
    }
    for (const [at, row] of test.entries()) seen[at][shuffled] = own[row];
    return (total / PERMUTATIONS - plain) / variance;
  });
  return { importances, rSquared: 1 - plain / variance };
}

/** The forest's prediction for the codes of a row; a factorial has few different rows, and shuffling mostly gives known ones. */
function remembered(trees: readonly Tree[], levels: readonly number[]): (codes: readonly number[]) => number {
  const known = new Map<number, number>();
  return (codes) => {
    let key = 0;
    for (const [at, code] of codes.entries()) key = key * levels[at] + code;
    const before = known.get(key);
    if (before !== undefined) return before;
    const mean = trees.reduce((total: number, tree) => total + predict(tree, codes), 0) / trees.length;
    // Beyond this a key may not be exact.
    if (key < Number.MAX_SAFE_INTEGER) known.set(key, mean);
    return mean;
  };
}

function sample(rows: readonly number[], rng: Rng): number[] {
  if (rows.length <= MAX_ROWS) return [...rows];
  return Array.from(rng.permutation(rows.length).subarray(0, MAX_ROWS), (at) => rows[at]);
}

/** Of a third of the factors, at least two, the one whose best grouping of levels lowers the squared error most. */
function grow(
  rows: readonly number[],
  codes: readonly Int32Array[],
  levels: readonly number[],
  y: Float64Array,
  rng: Rng,
  depth: number,
): Tree {
  let total = 0;
  for (const row of rows) total += y[row];
  if (rows.length < 2 * MIN_LEAF || depth >= MAX_DEPTH) return total / rows.length;
  const tried = rng.permutation(codes.length).subarray(0, Math.max(2, Math.ceil(codes.length / 3)));
  let best: { factor: number; left: number; gain: number } | undefined;
  for (const factor of tried) {
    const split = bestGrouping(rows, codes[factor], levels[factor], y, total);
    if (split && (!best || split.gain > best.gain)) best = { factor, ...split };
  }
  if (!best) return total / rows.length;
  const { factor, left } = best;
  const parts: [number[], number[]] = [[], []];
  for (const row of rows) parts[(left >> codes[factor][row]) & 1 ? 0 : 1].push(row);
  const below = parts.map((part) => grow(part, codes, levels, y, rng, depth + 1));
  return { factor, left, below: [below[0], below[1]] };
}

/** Levels beyond what bits can hold stay on the right: no factor of an experiment has so many. */
const MAX_LEVELS = 31;

/** Used again by every node: a forest has hundreds of thousands, most of a few rows. */
const scratch = {
  counts: new Float64Array(MAX_LEVELS),
  sums: new Float64Array(MAX_LEVELS),
  order: new Int32Array(MAX_LEVELS),
};

/** Ordering levels by their means makes the best of all groupings one of the cuts (Fisher 1958; Breiman et al. 1984). */
function bestGrouping(rows: readonly number[], codes: Int32Array, levels: number, y: Float64Array, total: number) {
  const { counts, sums, order } = scratch;
  counts.fill(0);
  sums.fill(0);
  for (const row of rows) {
    const level = codes[row];
    if (level >= MAX_LEVELS) continue;
    counts[level]++;
    sums[level] += y[row];
  }
  let present = 0;
  for (let level = 0; level < Math.min(levels, MAX_LEVELS); level++) {
    if (counts[level] === 0) continue;
    const mean = sums[level] / counts[level];
    let at = present++;
    for (; at > 0 && sums[order[at - 1]] / counts[order[at - 1]] > mean; at--) order[at] = order[at - 1];
    order[at] = level;
  }
  let best: { left: number; gain: number } | undefined;
  let [left, n, sum] = [0, 0, 0];
  for (let at = 0; at < present - 1; at++) {
    const level = order[at];
    left |= 1 << level;
    n += counts[level];
    sum += sums[level];
    const rest = rows.length - n;
    if (n < MIN_LEAF || rest < MIN_LEAF) continue;
    const gain = sum ** 2 / n + (total - sum) ** 2 / rest - total ** 2 / rows.length;
    if (gain > 1e-12 && (!best || gain > best.gain)) best = { left, gain };
  }
  return best;
}

function predict(tree: Tree, codes: readonly number[]): number {
  let node = tree;
  while (typeof node !== 'number') node = node.below[(node.left >> codes[node.factor]) & 1 ? 0 : 1];
  return node;
}
