// The leading right singular vectors of a tall or wide matrix, by subspace iteration (Halko, Martinsson, Tropp, SIAM Review 53 (2011)).
import { EigenvalueDecomposition, Matrix, QrDecomposition } from 'ml-matrix';
import { Rng } from '../core/rng.ts';

/** More vectors than are wanted make the wanted ones come out sooner. */
const SPARE = 8;
const MAX_STEPS = 300;
const TOLERANCE = 1e-12;

export interface Principal {
  /** Unit vectors, the one of the largest singular value first. The sign of each is such that its largest element is positive. */
  readonly vectors: readonly Float64Array[];
  /** Singular values, descending. */
  readonly values: readonly number[];
}

/**
 * The `wanted` leading right singular vectors of a matrix of `width` columns; fewer where its rank cannot hold so many.
 * @param points float64 [rows, width], row by row
 */
export function principal(points: Float64Array, width: number, wanted: number): Principal {
  const rows = points.length / width;
  const most = Math.min(rows, width);
  const count = Math.min(wanted, most);
  const block = Math.min(wanted + SPARE, most);
  const rng = Rng.of(0, 'principal', width, block);
  const a = new Matrix(Array.from({ length: rows }, (_, i) => points.slice(i * width, (i + 1) * width)));
  const transposed = a.transpose();
  let basis = new QrDecomposition(new Matrix(randomRows(width, block, rng))).orthogonalMatrix;
  let before: number[] = [];
  for (let step = 0; ; step++) {
    const image = a.mmul(basis);
    const small = new EigenvalueDecomposition(image.transpose().mmul(image), { assumeSymmetric: true });
    // Ascending, and what rounding made of zero.
    const order = Array.from({ length: block }, (_, i) => block - 1 - i);
    const values = order.map((i) => Math.sqrt(Math.max(0, small.realEigenvalues[i])));
    const settled = values.slice(0, count).every((value, i) => Math.abs(value - before[i]) <= TOLERANCE * values[0]);
    if (settled || step === MAX_STEPS || block === width) {
      const vectors = basis.mmul(small.eigenvectorMatrix);
      return {
        values: values.slice(0, count),
        vectors: order.slice(0, count).map((i) => signed(Float64Array.from(vectors.getColumn(i)))),
      };
    }
    before = values;
    basis = new QrDecomposition(transposed.mmul(image)).orthogonalMatrix;
  }
}

function randomRows(rows: number, columns: number, rng: Rng): number[][] {
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => rng.normal()));
}

function signed(vector: Float64Array): Float64Array {
  const largest = vector.reduce((found, value) => (Math.abs(value) > Math.abs(found) ? value : found), 0);
  return largest < 0 ? vector.map((value) => -value) : vector;
}

/** The coordinates of points along some vectors: float64 [rows, vectors]. */
export function projected(points: Float64Array, width: number, vectors: readonly Float64Array[]): Float64Array {
  const rows = points.length / width;
  const out = new Float64Array(rows * vectors.length);
  for (let i = 0; i < rows; i++) {
    vectors.forEach((vector, k) => {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += points[i * width + j] * vector[j];
      out[i * vectors.length + k] = sum;
    });
  }
  return out;
}
