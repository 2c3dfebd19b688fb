import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anomalyIndices, flaggedClasses, median } from './anomaly-index.ts';
import { sizeFactors, smallClasses } from './size-factors.ts';

describe('the anomaly index on hand-made norms', () => {
  it('is the distance from the median in robust deviations', () => {
    // Median 50, deviations 49, 2, 1, 0, 1, 2, 3: their median is 2.
    const norms = [1, 48, 49, 50, 51, 52, 53];
    const found = anomalyIndices(norms);
    expect(found).toMatchObject({ median: 50, mad: 2, mostSuspicious: 0, untestable: undefined });
    expect(found.score).toBeCloseTo(49 / (1.4826 * 2), 12);
    expect(flaggedClasses(found, 2)).toEqual([0]);
  });

  it('does not flag a class above the median, however far', () => {
    const norms = [48, 49, 50, 51, 52, 53, 500];
    const found = anomalyIndices(norms);
    expect(found.indices[6]).toBeGreaterThan(100);
    expect(flaggedClasses(found, 2)).toEqual([]);
    expect(found.mostSuspicious).toBe(0);
  });

  it('takes the mean of the two middle values of an even count', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(anomalyIndices([10, 20, 30, 40])).toMatchObject({ median: 25, mad: 10 });
  });

  it('all equal: nothing is suspicious', () => {
    expect(anomalyIndices([7, 7, 7, 7])).toMatchObject({
      ...{ score: 0, mostSuspicious: undefined, untestable: undefined, indices: [0, 0, 0, 0] },
    });
  });

  it('MAD 0 with an outlier: no index, and no verdict', () => {
    const norms = [1, 7, 7, 7, 7];
    const found = anomalyIndices(norms);
    expect(found).toMatchObject({ mad: 0, score: undefined, untestable: 'no-spread' });
    expect(flaggedClasses(found, 2)).toEqual([]);
  });

  it('NaN, no trigger, one failure: the class takes no part', () => {
    for (const missing of [Number.NaN, undefined, Number.POSITIVE_INFINITY]) {
      const norms = [1, 48, missing, 49, 50, 51, 52];
      const found = anomalyIndices(norms);
      expect(found.indices[2]).toBeUndefined();
      expect(found.median).toBe(49.5);
      expect(flaggedClasses(found, 2)).toEqual([0]);
    }
  });

  it('no success at all, or too few: no index', () => {
    expect(anomalyIndices([])).toMatchObject({ median: undefined, score: undefined, untestable: 'few-classes' });
    expect(anomalyIndices([undefined, Number.NaN])).toMatchObject({ median: undefined, untestable: 'few-classes' });
    expect(anomalyIndices([undefined, 5, 50])).toMatchObject({ median: 27.5, untestable: 'few-classes' });
  });

  it('K = 2: no index, whatever the norms', () => {
    expect(anomalyIndices([1, 1000])).toMatchObject({ score: undefined, untestable: 'few-classes' });
  });

  it('does not depend on scale or order', () => {
    const norm = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(
        fc.uniqueArray(norm, { minLength: 3, maxLength: 20 }),
        fc.integer({ min: 1, max: 50 }),
        (norms, by) => {
          const { score } = anomalyIndices(norms);
          expect(anomalyIndices(norms.map((one) => one * by)).score).toBeCloseTo(score ?? -1, 6);
          expect(anomalyIndices([...norms].reverse()).score).toBeCloseTo(score ?? -1, 9);
        },
      ),
    );
  });
});

describe('size factors on hand-made norms', () => {
  it('say how many times smaller a mask is, where large ones hide it from the index', () => {
    const norms = [10.1, 23.5, 9, 6.9, 18.1, 0.8, 19.2, 22.1, 10.7, 14.1];
    expect(anomalyIndices(norms).score).toBeLessThan(2);
    const found = sizeFactors(norms);
    expect(found).toMatchObject({ smallest: 5 });
    expect(found.median).toBeCloseTo(12.4, 9);
    expect(found.score).toBeCloseTo(12.4 / 0.8, 9);
    expect(smallClasses(found, 3)).toEqual([5]);
    expect(smallClasses(found, 1.3)).toEqual([5, 3, 2]);
  });

  it('take NaN, no trigger and a mask of nothing as they come', () => {
    expect(sizeFactors([Number.NaN, undefined, 5, 10, 20]).factors).toEqual([undefined, undefined, 2, 1, 0.5]);
    expect(sizeFactors([0, 5, 6]).score).toBe(5000);
    expect(sizeFactors([7, 7, 7]).score).toBe(1);
  });

  it('have no score of fewer than three classes', () => {
    for (const norms of [[], [1, 100], [1, 100, null], [undefined, Number.POSITIVE_INFINITY, 3, 4]]) {
      expect(sizeFactors(norms)).toMatchObject({ score: undefined, smallest: undefined });
      expect(smallClasses(sizeFactors(norms), 1)).toEqual([]);
    }
  });
});
