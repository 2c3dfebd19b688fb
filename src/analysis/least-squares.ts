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

/** The columns of a design factorised in an order: good for every response, and for designs in proportion to this one. */
export interface Factorisation {
  readonly columns: readonly number[];
  /** Lower triangle, row by row; rows and columns of dependent columns are zero. */
  readonly factor: Float64Array;
  readonly independent: Uint8Array;
  readonly rank: number;
}

/** Fits the response on columns in the order given (a Cholesky factorisation without what depends on earlier columns). */
export function eliminate(cross: CrossProducts, columns: readonly number[]): Elimination {
  return respond(factorise(cross, columns), cross).elimination;
}

/**
 * The same where the columns' cross products are `times` those that were factorised; only those with the response are read.
 */
export function eliminateAgain(factorisation: Factorisation, cross: CrossProducts, times: number): Elimination {
  return respond(factorisation, cross, times).elimination;
}

/** Coefficients of the columns in the order given; 0 for columns that depend on earlier ones. */
export function coefficients(cross: CrossProducts, columns: readonly number[]): Float64Array {
  const factorisation = factorise(cross, columns);
  const { factor, independent } = factorisation;
  const { projected } = respond(factorisation, cross);
  const p = columns.length;
  const solution = new Float64Array(p);
  for (let i = p - 1; i >= 0; i--) {
    if (!independent[i]) continue;
    let sum = projected[i];
    for (let j = i + 1; j < p; j++) sum -= factor[j * p + i] * solution[j];
    solution[i] = sum / factor[i * p + i];
  }
  return solution;
}

export function factorise({ size, values }: CrossProducts, columns: readonly number[]): Factorisation {
  const p = columns.length;
  const factor = new Float64Array(p * p);
  const independent = new Uint8Array(p);
  let rank = 0;
  for (let i = 0; i < p; i++) {
    const row = i * p;
    const source = columns[i] * size;
    for (let j = 0; j < i; j++) {
      if (independent[j])
        factor[row + j] = rest(values[source + columns[j]], factor, row, j * p, j) / factor[j * p + j];
    }
    const left = rest(values[source + columns[i]], factor, row, row, i);
    independent[i] = Number(left > TOLERANCE * values[source + columns[i]] && left > 0);
    if (independent[i]) {
      factor[row + i] = Math.sqrt(left);
      rank++;
    }
  }
  return { columns, factor, independent, rank };
}

/** `sum` minus the inner product of the first `length` numbers of two rows. */
function rest(sum: number, factor: Float64Array, one: number, other: number, length: number): number {
  let left = sum;
  for (let k = 0; k < length; k++) left -= factor[one + k] * factor[other + k];
  return left;
}

function respond(
  { columns, factor, independent, rank }: Factorisation,
  { size, values }: CrossProducts,
  times = 1,
): { projected: Float64Array; elimination: Elimination } {
  const p = columns.length;
  const source = (size - 1) * size;
  const projected = new Float64Array(p);
  const explained = new Float64Array(p);
  let residual = values[size * size - 1];
  for (let j = 0; j < p; j++) {
    if (!independent[j]) continue;
    let sum = values[source + columns[j]];
    for (let k = 0; k < j; k++) sum -= projected[k] * factor[j * p + k];
    projected[j] = sum / factor[j * p + j];
    explained[j] = projected[j] ** 2 / times;
    residual -= explained[j];
  }
  return { projected, elimination: { explained, independent, residual: Math.max(0, residual), rank } };
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
