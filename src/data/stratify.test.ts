import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { stratifiedSplit, testQuotas } from './stratify.ts';

describe('testQuotas', () => {
  it('takes the largest remainders, ties to the lower class', () => {
    expect(testQuotas([10, 10, 10], 10)).toEqual([4, 3, 3]);
    expect(testQuotas([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978], 2000)).toEqual([
      200, 225, 198, 206, 196, 173, 203, 214, 189, 196,
    ]);
    expect(() => testQuotas([1, 2], 4)).toThrow('4 of 3 rows');
  });
});

describe('stratifiedSplit', () => {
  it('splits every row exactly once, each class within one row of its share', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer(),
        (sizes, share, seed) => {
          const total = sizes.reduce((a, b) => a + b);
          const testCount = Math.floor(share * total);
          const { train, test } = stratifiedSplit(sizes, testCount, Rng.of(seed));
          expect(test.length).toBe(testCount);
          expect([...train, ...test].sort((a, b) => a - b)).toEqual([...Array(total).keys()]);
          let first = 0;
          for (const size of sizes) {
            const inTest = test.filter((row) => row >= first && row < first + size).length;
            expect(Math.abs(inTest - (size * testCount) / total)).toBeLessThan(1);
            first += size;
          }
        },
      ),
    );
  });
});
