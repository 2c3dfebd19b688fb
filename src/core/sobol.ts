// Sobol's low-discrepancy sequence, digitally shifted by a seed: points that fill a cube more evenly than chance does.
// Direction numbers: S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008).
import { Rng } from './rng.ts';

/** Degree, coefficients and first direction numbers of each dimension's primitive polynomial, from the second dimension on. */
const POLYNOMIALS: readonly (readonly [degree: number, coefficients: number, first: readonly number[]])[] = [
  [1, 0, [1]],
  [2, 1, [1, 3]],
  [3, 1, [1, 3, 1]],
  [3, 2, [1, 1, 1]],
  [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]],
  [5, 2, [1, 1, 5, 5, 17]],
  [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]],
  [5, 11, [1, 1, 5, 1, 1]],
  [5, 13, [1, 1, 1, 3, 11]],
  [5, 14, [1, 3, 5, 5, 31]],
  [6, 1, [1, 3, 3, 9, 7, 49]],
  [6, 13, [1, 1, 1, 15, 21, 21]],
  [6, 16, [1, 3, 1, 13, 27, 49]],
  [6, 19, [1, 1, 1, 15, 7, 5]],
  [6, 22, [1, 3, 1, 15, 13, 25]],
  [6, 25, [1, 1, 5, 5, 19, 61]],
  [7, 1, [1, 3, 7, 11, 23, 15, 103]],
  [7, 4, [1, 3, 7, 13, 13, 15, 69]],
];
const BITS = 32;

export const SOBOL_DIMENSIONS = POLYNOMIALS.length + 1;

/** The 32 direction numbers of a dimension, as unsigned integers. */
function directions(dimension: number): Uint32Array {
  if (dimension === 0) return Uint32Array.from({ length: BITS }, (_, i) => 2 ** (BITS - 1 - i));
  const [degree, coefficients, first] = POLYNOMIALS[dimension - 1];
  const numbers = new Uint32Array(BITS);
  for (let i = 0; i < BITS; i++) {
    if (i < degree) {
      numbers[i] = first[i] * 2 ** (BITS - 1 - i);
      continue;
    }
    let value = numbers[i - degree] ^ (numbers[i - degree] >>> degree);
    for (let k = 1; k < degree; k++) if ((coefficients >> (degree - 1 - k)) & 1) value ^= numbers[i - k];
    numbers[i] = value;
  }
  return numbers;
}

/**
 * Points in [0, 1)^dimensions, one after another, up to 2^32. Without a seed the sequence itself, which begins at the origin.
 * @throws RangeError for more than SOBOL_DIMENSIONS dimensions.
 */
export function* sobolPoints(dimensions: number, seed?: number): Generator<Float64Array> {
  if (!(dimensions >= 1 && dimensions <= SOBOL_DIMENSIONS)) {
    throw new RangeError(`sobolPoints: ${dimensions} dimensions, expected 1 to ${SOBOL_DIMENSIONS}`);
  }
  const numbers = Array.from({ length: dimensions }, (_, at) => directions(at));
  const rng = seed === undefined ? undefined : Rng.of(seed, 'sobol');
  const state = Uint32Array.from({ length: dimensions }, () => rng?.bits() ?? 0);
  for (let index = 1; index < 2 ** BITS; index++) {
    yield Float64Array.from(state, (bits) => bits / 2 ** BITS);
    // Gray code: the next point differs by one direction number, that of the lowest bit of the index that is set.
    const changed = 31 - Math.clz32(index & -index);
    for (let at = 0; at < dimensions; at++) state[at] ^= numbers[at][changed];
  }
}
