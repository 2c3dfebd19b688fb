// Shapley effects: the variance of the response shared out among factors, interactions and dependence included.
// A. B. Owen, "Sobol' indices and Shapley value", SIAM/ASA J. Uncertainty Quantification 2 (2014) 245-251.
import type { Design } from './design.ts';

/** More factors than this have too many subsets. */
export const MAX_SHAPLEY_FACTORS = 10;

/** Cells of a design with what each seed measured there, ready to be summed again with other weights. */
export class ShapleyModel {
  readonly #names: readonly string[];
  /** For every subset of factors (as bits): the group of each cell, and how many groups there are. */
  readonly #groups: readonly { readonly of: Int32Array; readonly count: number }[];
  /** By block and cell: how many observations, and their sum around the block's mean. */
  readonly #counts: readonly Float64Array[];
  readonly #sums: readonly Float64Array[];
  readonly #squares: readonly number[];
  readonly #cells: number;
  /** Variance within cells once seeds are taken out; undefined where no cell has two observations. */
  readonly noise: number | undefined;

  constructor(design: Design) {
    const { factors, y, blockOf, blocks } = design;
    if (factors.length > MAX_SHAPLEY_FACTORS) throw new RangeError(`Shapley: at most ${MAX_SHAPLEY_FACTORS} factors`);
    this.#names = factors.map((factor) => factor.name);
    const means = blockMeans(design);
    const rows = Array.from(y, (_, row) => row);
    const cells = grouped(rows, (row) => factors.map((factor) => factor.codes[row]).join(' '));
    this.#cells = cells.count;
    const first = new Int32Array(cells.count);
    for (let row = y.length - 1; row >= 0; row--) first[cells.of[row]] = row;
    this.#groups = Array.from({ length: 2 ** factors.length }, (_, subset) => {
      const chosen = factors.filter((_, at) => subset & (1 << at));
      return grouped([...first], (row) => chosen.map((factor) => factor.codes[row]).join(' '));
    });
    this.#counts = blocks.map(() => new Float64Array(cells.count));
    this.#sums = blocks.map(() => new Float64Array(cells.count));
    const squares = new Array<number>(blocks.length).fill(0);
    for (const [row, value] of y.entries()) {
      const block = blockOf[row];
      const centred = value - means[block];
      this.#counts[block][cells.of[row]]++;
      this.#sums[block][cells.of[row]] += centred;
      squares[block] += centred ** 2;
    }
    this.#squares = squares;
    const ones = blocks.map(() => 1);
    const df = y.length - cells.count - (blocks.length - 1);
    const full = this.#between(2 ** factors.length - 1, this.#drawn(ones));
    this.noise = df > 0 ? Math.max(0, this.#total(ones) - full) / df : undefined;
  }

  /**
   * Each factor's share of the variance within seeds, freed from what chance puts between cells (`noise`), with each seed
   * counted `weights[seed]` times. `unexplained` is the rest: chance, and what depends on the seed.
   */
  effects(weights: readonly number[] = this.#counts.map(() => 1)): { shares: number[]; unexplained: number } {
    const total = this.#total(weights);
    const d = this.#names.length;
    // A cell mean of seeds drawn several times has a variance of σ²·Σw²/(Σw)².
    const drawn = weights.reduce((sum, weight) => sum + weight, 0);
    const repeated = weights.reduce((sum, weight) => sum + weight ** 2, 0) / drawn;
    const chance = (this.noise ?? 0) * repeated;
    const cells = this.#drawn(weights);
    const value = this.#groups.map((group, subset) =>
      total > 0 ? (this.#between(subset, cells) - (group.count - 1) * chance) / total : 0,
    );
    const shares = this.#names.map((_, at) => {
      let share = 0;
      for (let subset = 0; subset < value.length; subset++) {
        if (subset & (1 << at)) continue;
        share += ordersWith(bits(subset), d) * (value[subset | (1 << at)] - value[subset]);
      }
      return share;
    });
    return { shares, unexplained: 1 - value[value.length - 1] };
  }

  #total(weights: readonly number[]): number {
    return this.#squares.reduce((sum, square, block) => sum + weights[block] * square, 0);
  }

  /** Observations of each cell and their sum, over the seeds as often as they are drawn. */
  #drawn(weights: readonly number[]): { n: Float64Array; sums: Float64Array } {
    const [n, sums] = [new Float64Array(this.#cells), new Float64Array(this.#cells)];
    for (const [block, counts] of this.#counts.entries()) {
      const weight = weights[block];
      if (weight === 0) continue;
      const own = this.#sums[block];
      for (let cell = 0; cell < n.length; cell++) {
        n[cell] += weight * counts[cell];
        sums[cell] += weight * own[cell];
      }
    }
    return { n, sums };
  }

  /** Sum of squares between the groups of a subset of factors. */
  #between(subset: number, cells: { n: Float64Array; sums: Float64Array }): number {
    const { of, count } = this.#groups[subset];
    const [n, sums] = [new Float64Array(count), new Float64Array(count)];
    for (let cell = 0; cell < of.length; cell++) {
      n[of[cell]] += cells.n[cell];
      sums[of[cell]] += cells.sums[cell];
    }
    let between = 0;
    for (let group = 0; group < count; group++) if (n[group] > 0) between += sums[group] ** 2 / n[group];
    return between;
  }
}

function blockMeans({ y, blockOf, blocks }: Design): number[] {
  const [sums, counts] = [new Array<number>(blocks.length).fill(0), new Array<number>(blocks.length).fill(0)];
  for (const [row, value] of y.entries()) {
    sums[blockOf[row]] += value;
    counts[blockOf[row]]++;
  }
  return sums.map((sum, block) => sum / counts[block]);
}

function grouped(rows: readonly number[], key: (row: number) => string): { of: Int32Array; count: number } {
  const places = new Map<string, number>();
  const of = Int32Array.from(rows, (row) => {
    const name = key(row);
    const place = places.get(name) ?? places.size;
    places.set(name, place);
    return place;
  });
  return { of, count: places.size };
}

/** The share of all orders of `d` factors in which exactly a given subset of `size` comes before a given factor. */
function ordersWith(size: number, d: number): number {
  let share = 1 / d;
  for (let i = 1; i <= size; i++) share *= i / (d - i);
  return share;
}

function bits(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest &= rest - 1) count++;
  return count;
}
