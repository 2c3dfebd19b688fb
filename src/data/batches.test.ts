import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { epochBatches } from './batches.ts';

describe('epochBatches', () => {
  it('visits every row once, in full batches but for the last', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.integer({ min: 1, max: 70 }), fc.integer(), (count, batchSize, seed) => {
        const batches = epochBatches(count, batchSize, Rng.of(seed));
        expect(batches.flatMap((batch) => [...batch]).sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
        expect(batches.length).toBe(Math.ceil(count / batchSize));
      }),
    );
  });

  it('repeats with the seed and changes from epoch to epoch', () => {
    const first = epochBatches(100, 32, Rng.of(1, 'epoch', 0));
    expect(epochBatches(100, 32, Rng.of(1, 'epoch', 0))).toEqual(first);
    expect(epochBatches(100, 32, Rng.of(1, 'epoch', 1))).not.toEqual(first);
    const rng = Rng.of(1);
    expect(epochBatches(100, 32, rng)).not.toEqual(epochBatches(100, 32, rng));
    expect(first.map((batch) => batch.length)).toEqual([32, 32, 32, 4]);
  });

  it.each([
    [-1, 4],
    [2.5, 4],
    [10, 0],
    [10, 1.5],
    [10, Number.NaN],
  ])('refuses %s rows in batches of %s', (count, batchSize) => {
    expect(() => epochBatches(count, batchSize, Rng.of(0))).toThrow(RangeError);
  });
});
