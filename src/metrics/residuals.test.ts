import fc from 'fast-check';
import { expect, test } from 'vitest';
import { residualSimilarity } from './residuals.ts';

const grey = (count: number, length: number) => new Uint8Array(count * length).fill(100);

test('a fixed pattern is the same everywhere', () => {
  const after = Uint8Array.of(101, 90, 100, 101, 90, 100);
  const { cosine, common } = residualSimilarity(grey(2, 3), after, 2);
  expect(cosine).toBeCloseTo(1, 12);
  expect(common).toBeCloseTo(1, 12);
});

test('opposite changes have nothing in common', () => {
  const after = Uint8Array.of(101, 90, 100, 99, 110, 100);
  const { cosine, common } = residualSimilarity(grey(2, 3), after, 2);
  expect(cosine).toBeCloseTo(-1, 12);
  expect(common).toBe(0);
});

test('images without a change have no direction', () => {
  expect(residualSimilarity(grey(2, 3), grey(2, 3), 2)).toEqual({ cosine: Number.NaN, common: 0 });
  expect(residualSimilarity(grey(2, 3), Uint8Array.of(100, 100, 100, 1, 2, 3), 2).cosine).toBeNaN();
});

test('the cosine is the mean over all pairs', () => {
  const pixels = fc.array(fc.uint8Array({ minLength: 6, maxLength: 6 }), { minLength: 2, maxLength: 6 });
  const property = fc.property(pixels, (images) => {
    const after = Uint8Array.from(images.flatMap((image) => [...image]));
    const residuals = images.map((image) => Array.from(image, (value) => value - 100)).filter((r) => r.some(Boolean));
    fc.pre(residuals.length >= 2);
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
    const cosines = residuals.flatMap((a, i) =>
      residuals.slice(i + 1).map((b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))),
    );
    const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
    expect(residualSimilarity(grey(images.length, 6), after, images.length).cosine).toBeCloseTo(mean, 10);
  });
  fc.assert(property, { numRuns: 50, seed: 1 });
});
