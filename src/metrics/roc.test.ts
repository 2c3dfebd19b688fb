import fc from 'fast-check';
import { expect, it } from 'vitest';
import { areaUnderCurve } from './roc.ts';

it('is what counting pairs gives, ties counting one half', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.boolean()), { maxLength: 30 }), (rows) => {
      const scores = rows.map(([score]) => score);
      const [positives, negatives] = [true, false].map((kind) => rows.filter(([, is]) => is === kind));
      const pairs = positives.flatMap(([a]) => negatives.map(([b]) => (a > b ? 1 : a === b ? 0.5 : 0)));
      const counted = pairs.length === 0 ? undefined : pairs.reduce<number>((a, b) => a + b, 0) / pairs.length;
      const found = areaUnderCurve(scores, (i) => rows[i][1]);
      if (counted === undefined) expect(found).toBeUndefined();
      else expect(found).toBeCloseTo(counted, 12);
    }),
  );
});
