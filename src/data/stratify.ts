// Splitting rows into train and test with every class represented in proportion.
import type { Rng } from '../core/rng.ts';

/**
 * How many rows of each class go to the test split: proportional to class size, summing exactly to `testCount`
 * (largest remainders; ties go to the lower class).
 * @throws RangeError when `testCount` exceeds the number of rows.
 */
export function testQuotas(classSizes: readonly number[], testCount: number): number[] {
  const total = classSizes.reduce((sum, size) => sum + size, 0);
  if (testCount > total) throw new RangeError(`testQuotas: ${testCount} of ${total} rows`);
  // Whole-number arithmetic: size·testCount = quota·total + remainder.
  const quotas = classSizes.map((size) => Math.floor((size * testCount) / total));
  const remainders = classSizes.map((size, c) => ({ c, rest: size * testCount - quotas[c] * total }));
  remainders.sort((a, b) => b.rest - a.rest || a.c - b.c);
  const missing = testCount - quotas.reduce((sum, quota) => sum + quota, 0);
  for (const { c } of remainders.slice(0, missing)) quotas[c]++;
  return quotas;
}

/**
 * Random disjoint train and test rows of a dataset whose rows lie sorted by class (class 0 first), each in random
 * order; class shares as {@link testQuotas}. Does not advance `rng`.
 */
export function stratifiedSplit(
  classSizes: readonly number[],
  testCount: number,
  rng: Rng,
): { train: Int32Array; test: Int32Array } {
  const quotas = testQuotas(classSizes, testCount);
  const train: number[] = [];
  const test: number[] = [];
  let first = 0;
  classSizes.forEach((size, c) => {
    rng
      .fork('class', c)
      .permutation(size)
      .forEach((row, i) => {
        (i < quotas[c] ? test : train).push(first + row);
      });
    first += size;
  });
  const shuffled = (rows: number[], label: string) =>
    rng
      .fork(label)
      .permutation(rows.length)
      .map((i) => rows[i]);
  return { train: shuffled(train, 'train'), test: shuffled(test, 'test') };
}
