import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunGroup } from './aggregate.ts';
import { newcombe, shareOf, wilson } from './intervals.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('wilson', () => {
  it('gives known answers', () => {
    // The first is in Newcombe, Statistics in Medicine 17 (1998) 857-872, table I.
    const table = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ];
    for (const [successes, n, low, high] of table) {
      const interval = wilson(successes / n, n);
      expect(interval.low).toBeCloseTo(low, 4);
      expect(interval.high).toBeCloseTo(high, 4);
    }
  });

  it('holds the share, stays in [0, 1], mirrors, and shrinks with n', () => {
    fc.assert(
      fc.property(share, fc.integer({ min: 1, max: 100_000 }), (p, n) => {
        const { low, high } = wilson(p, n);
        const mirrored = wilson(1 - p, n);
        const larger = wilson(p, 4 * n);
        expect(0 <= low && low <= p && p <= high && high <= 1).toBe(true);
        expect(mirrored.low).toBeCloseTo(1 - high, 9);
        expect(larger.high - larger.low).toBeLessThan(high - low);
      }),
    );
  });

  it('refuses what is no share', () => {
    expect(() => wilson(1.01, 10)).toThrow(RangeError);
    expect(() => wilson(Number.NaN, 10)).toThrow(RangeError);
    expect(() => wilson(0.5, 0)).toThrow(RangeError);
  });
});

describe('newcombe', () => {
  it('combines the two Wilson intervals', () => {
    // By hand from wilson(0.9, 100) = [0.82563, 0.94477] and wilson(0.8, 100) = [0.71117, 0.86663].
    const { low, high } = newcombe(0.9, 0.8, 100);
    expect(low).toBeCloseTo(0.1 - Math.hypot(0.9 - 0.82563, 0.86663 - 0.8), 4);
    expect(high).toBeCloseTo(0.1 + Math.hypot(0.94477 - 0.9, 0.8 - 0.71117), 4);
  });

  it('holds the difference and changes sign with it', () => {
    fc.assert(
      fc.property(share, share, fc.integer({ min: 1, max: 10_000 }), (a, b, n) => {
        const [there, back] = [newcombe(a, b, n), newcombe(b, a, n)];
        expect(there.low <= a - b && a - b <= there.high).toBe(true);
        expect(there.low).toBeCloseTo(-back.high, 12);
      }),
    );
  });
});

describe('shareOf', () => {
  const group = (metrics: RunGroup['metrics']): RunGroup => ({ key: {}, runs: [], n: 1, metrics });
  const one = (mean: number) => ({ mean, sd: null, n: 1 });

  it('uses the spread over seeds where there is one, clipped to what a share can be', () => {
    expect(shareOf(group({ asr: { mean: 0.98, sd: 0.05, n: 2 } }), 'asr')).toMatchObject({ kind: 'sd', high: 1 });
  });

  it('uses the images behind each share for one run', () => {
    const metrics = { asr: one(0.5), cleanAccuracy: one(0.5), testImages: one(400), attackedImages: one(100) };
    expect(shareOf(group(metrics), 'asr')).toMatchObject({ ...wilson(0.5, 100), kind: 'images' });
    expect(shareOf(group(metrics), 'cleanAccuracy')).toMatchObject(wilson(0.5, 400));
  });

  it('says when it does not know, and nothing when nothing was measured', () => {
    expect(shareOf(group({ asr: one(0.5) }), 'asr')).toMatchObject({ low: 0.5, high: 0.5, kind: 'unknown' });
    expect(shareOf(group({}), 'asr')).toBeUndefined();
  });
});
