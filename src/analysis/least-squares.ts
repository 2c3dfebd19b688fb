// Least squares on cross products, columns one after the other; columns that depend on earlier ones are passed over.
// Own code because factorial designs with missing cells have dependent columns, which libraries' Cholesky and QR
// decompositions without pivoting do not take, and because a bootstrap needs thousands of fits of sums of cross products.

/** A symmetric matrix of cross products of the columns of a design; the response is the last column. */
export interface CrossProducts {
  readonly size: number;
  /** Row by row, size × size. */
  readonly values: Float64Array;
}

export interface Elimination {
  /** For each column given: what it takes from the sum of squares beyond the columns before it; 0 if it depends on them. */
  readonly explained: Float64Array;
  /** Which columns count. */
  readonly independent: Uint8Array;
  readonly residual: number;
  readonly rank: number;
}

/** A column is taken for dependent when less than this share of its sum of squares is left. */
const TOLERANCE = 1e-9;

/** Fits the response on columns in the order given (a Cholesky factorisation without what depends on earlier columns). */
export function eliminate(cross: CrossProducts, columns: readonly number[]): Elimination {
  return factorise(cross, columns).elimination;
}

/** Coefficients of the columns in the order given; 0 for columns that depend on earlier ones. */
export function coefficients(cross: CrossProducts, columns: readonly number[]): Float64Array {
  const { factor, elimination } = factorise(cross, columns);
  const p = columns.length;
  const solution = new Float64Array(p);
  for (let i = p - 1; i >= 0; i--) {
    if (!elimination.independent[i]) continue;
    let sum = factor[p * (p + 1) + i];
    for (let j = i + 1; j < p; j++) sum -= factor[j * (p + 1) + i] * solution[j];
    solution[i] = sum / factor[i * (p + 1) + i];
  }
  return solution;
}

function factorise({ size, values }: CrossProducts, columns: readonly number[]) {
  const order = [...columns, size - 1];
  const p = columns.length;
  const width = p + 1;
  const factor = new Float64Array(width * width);
  const explained = new Float64Array(p);
  const independent = new Uint8Array(p);
  let rank = 0;
  let residual = values[size * size - 1];
  for (let i = 0; i <= p; i++) {
    const row = i * width;
    const source = order[i] * size;
    for (let j = 0; j <= i; j++) {
      if (j < i && !independent[j]) continue;
      let sum = values[source + order[j]];
      const other = j * width;
      for (let k = 0; k < j; k++) sum -= factor[row + k] * factor[other + k];
      if (j < i) {
        factor[row + j] = sum / factor[other + j];
      } else if (i < p) {
        independent[i] = Number(sum > TOLERANCE * values[source + order[i]] && sum > 0);
        if (independent[i]) {
          factor[row + i] = Math.sqrt(sum);
          rank++;
        }
      } else residual = Math.max(0, sum);
    }
  }
  for (let j = 0; j < p; j++) explained[j] = factor[p * width + j] ** 2;
  return { factor, elimination: { explained, independent, residual, rank } };
}

/** The sum of cross products with weights, for matrices of one size. */
export function combine(parts: readonly CrossProducts[], weights: readonly number[]): CrossProducts {
  const { size } = parts[0];
  const values = new Float64Array(size * size);
  for (const [at, part] of parts.entries()) {
    const weight = weights[at];
    if (weight !== 0) for (let i = 0; i < values.length; i++) values[i] += weight * part.values[i];
  }
  return { size, values };
}
