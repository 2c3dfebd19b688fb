// Analysis of variance of a design: type II sums of squares for factors and their two-way interactions, seeds as blocks.

import type { Design } from './design.ts';
import { fUpper } from './distributions.ts';
import {
  type CrossProducts,
  combine,
  type Elimination,
  eliminate,
  eliminateAgain,
  type Factorisation,
  factorise,
} from './least-squares.ts';

export interface AnovaTerm {
  /** One name for a main effect, two for an interaction. */
  readonly factors: readonly string[];
  readonly df: number;
  readonly sumSq: number;
}

export interface Anova {
  readonly terms: readonly AnovaTerm[];
  /** The seeds: what they explain beyond all terms. */
  readonly blocks: { readonly df: number; readonly sumSq: number };
  readonly residual: { readonly df: number; readonly sumSq: number };
  /** Around the mean, seeds included. */
  readonly total: { readonly df: number; readonly sumSq: number };
}

/** A design with more columns than this is analysed without interactions. */
const MAX_COLUMNS = 400;

/** The prepared cross products of a design: cheap to analyse again with other weights of the seeds. */
export class AnovaModel {
  readonly terms: readonly { readonly factors: readonly string[]; readonly columns: readonly number[] }[];
  /** Whether two-way interactions are in the model. */
  readonly interactions: boolean;
  readonly #perBlock: readonly CrossProducts[];
  readonly #counts: readonly number[];
  readonly #means: readonly Float64Array[];
  /** Where every seed measured the same cells: the columns' cross products within one seed, which all weights scale. */
  readonly #oneBlock: CrossProducts | undefined;
  readonly #factorised = new Map<string, Factorisation>();

  constructor(design: Design, wanted: { readonly interactions: boolean } = { interactions: true }) {
    const terms: { factors: string[]; columns: number[]; code(row: number): number }[] = [];
    let width = 0;
    const add = (factors: string[], levels: number, code: (row: number) => number) => {
      terms.push({ factors, columns: Array.from({ length: levels }, (_, at) => width + at), code });
      width += levels;
    };
    const { factors } = design;
    for (const { name, levels, codes } of factors) add([name], levels.length - 1, (row) => codes[row] - 1);
    const pairs = factors.flatMap((a, at) => factors.slice(at + 1).map((b) => [a, b] as const));
    const columns = pairs.reduce((sum, [a, b]) => sum + (a.levels.length - 1) * (b.levels.length - 1), width);
    this.interactions = wanted.interactions && pairs.length > 0 && columns <= MAX_COLUMNS;
    for (const [a, b] of this.interactions ? pairs : []) {
      const across = b.levels.length - 1;
      add([a.name, b.name], (a.levels.length - 1) * across, (row) =>
        a.codes[row] === 0 || b.codes[row] === 0 ? -1 : (a.codes[row] - 1) * across + b.codes[row] - 1,
      );
    }
    this.terms = terms;
    const blocks = design.blocks.length;
    const size = width + 1;
    const sums = Array.from({ length: blocks }, () => new Float64Array(size));
    const products = Array.from({ length: blocks }, () => new Float64Array(size * size));
    const counts = new Array<number>(blocks).fill(0);
    const ones: number[] = [];
    for (const [row, y] of design.y.entries()) {
      const block = design.blockOf[row];
      const [sum, product] = [sums[block], products[block]];
      counts[block]++;
      ones.length = 0;
      for (const {
        columns: [first],
        code,
      } of terms)
        if (code(row) >= 0) ones.push(first + code(row));
      for (const i of ones) {
        sum[i]++;
        for (const j of ones) product[i * size + j]++;
        product[i * size + width] += y;
        product[width * size + i] += y;
      }
      sum[width] += y;
      product[width * size + width] += y * y;
    }
    this.#perBlock = products.map((values) => ({ size, values }));
    this.#counts = counts;
    this.#means = sums.map((sum, block) => sum.map((value) => value / counts[block]));
    const alike = products.every((product) => sameColumns(product, products[0], size));
    const [first] = this.#perBlock;
    this.#oneBlock = alike ? this.#centred(first, [1, ...new Array(blocks - 1).fill(0)], true) : undefined;
  }

  /** The analysis with each seed counted `weights[seed]` times. */
  fit(weights: readonly number[] = this.#counts.map(() => 1)): Anova {
    const raw = combine(this.#perBlock, weights);
    // Columns minus their mean within each seed: the same fit as with a column for every seed (Frisch and Waugh).
    const within = this.#centred(raw, weights, true);
    const overall = this.#centred(raw, weights, false);
    const every = this.terms.flatMap((term) => term.columns);
    const blocksDrawn = weights.reduce((sum, weight) => sum + weight, 0);
    const full = this.#eliminate(within, every, blocksDrawn);
    const n = this.#counts.reduce((sum, count, block) => sum + weights[block] * count, 0);
    const whole = this.#eliminate(overall, every, blocksDrawn);
    const last = overall.size - 1;
    return {
      terms: this.terms.map((term) => ({ factors: term.factors, ...this.#typeTwo(term, within, blocksDrawn) })),
      blocks: { df: blocksDrawn - 1, sumSq: Math.max(0, whole.residual - full.residual) },
      residual: { df: n - blocksDrawn - full.rank, sumSq: full.residual },
      total: { df: n - 1, sumSq: overall.values[last * overall.size + last] },
    };
  }

  /** What a term explains beyond every term that does not contain it. */
  #typeTwo(
    term: AnovaModel['terms'][number],
    cross: CrossProducts,
    blocksDrawn: number,
  ): { df: number; sumSq: number } {
    const others = this.terms.filter((other) => !term.factors.every((name) => other.factors.includes(name)));
    const before = others.flatMap((other) => other.columns);
    const { explained, independent } = this.#eliminate(cross, [...before, ...term.columns], blocksDrawn);
    let [df, sumSq] = [0, 0];
    for (let i = before.length; i < explained.length; i++) {
      df += independent[i];
      sumSq += explained[i];
    }
    return { df, sumSq };
  }

  #eliminate(cross: CrossProducts, columns: readonly number[], blocksDrawn: number): Elimination {
    if (!this.#oneBlock) return eliminate(cross, columns);
    const key = columns.join(' ');
    const known = this.#factorised.get(key) ?? factorise(this.#oneBlock, columns);
    this.#factorised.set(key, known);
    return eliminateAgain(known, cross, blocksDrawn);
  }

  #centred(raw: CrossProducts, weights: readonly number[], within: boolean): CrossProducts {
    const { size } = raw;
    const values = raw.values.slice();
    const subtract = (count: number, mean: Float64Array) => {
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) values[i * size + j] -= count * mean[i] * mean[j];
      }
    };
    const counts = this.#counts.map((count, block) => count * weights[block]);
    if (within) for (const [block, mean] of this.#means.entries()) subtract(counts[block], mean);
    else {
      const n = counts.reduce((sum, count) => sum + count, 0);
      const mean = new Float64Array(size);
      for (const [block, own] of this.#means.entries()) {
        for (let i = 0; i < size; i++) mean[i] += (counts[block] / n) * own[i];
      }
      subtract(n, mean);
    }
    return { size, values };
  }
}

/** Whether two matrices agree in all but the response, which is their last row and column. */
function sameColumns(one: Float64Array, other: Float64Array, size: number): boolean {
  const last = size - 1;
  return one.every((value, at) => value === other[at] || at % size === last || at >= last * size);
}

export interface TermTest {
  /** Null where there is no residual to compare with. */
  readonly f: number | null;
  readonly p: number | null;
  /** Share of the variance that the other terms leave: SS / (SS + SS of the residual). */
  readonly partialEtaSquared: number;
  /** Share of the whole variance, freed from what chance alone explains (Olejnik and Algina, Psychol. Methods 8 (2003) 434-447). */
  readonly omegaSquared: number;
}

/** F test and effect sizes of a term; `noise` is the variance to free ω² from, by default the residual mean square. */
export function testOf({ df, sumSq }: { df: number; sumSq: number }, anova: Anova, noise?: number): TermTest {
  const { residual, total } = anova;
  const meanSquare = residual.df > 0 ? residual.sumSq / residual.df : Number.NaN;
  const f = df > 0 && meanSquare > 0 ? sumSq / df / meanSquare : null;
  const explainable = sumSq + residual.sumSq;
  const chance = noise ?? (Number.isNaN(meanSquare) ? 0 : meanSquare);
  return {
    f,
    p: f === null ? null : fUpper(f, df, residual.df),
    partialEtaSquared: explainable > 0 ? sumSq / explainable : 0,
    omegaSquared: total.sumSq > 0 ? Math.max(0, sumSq - df * chance) / (total.sumSq + chance) : 0,
  };
}
