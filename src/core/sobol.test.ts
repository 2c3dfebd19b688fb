import { expect, test } from 'vitest';
import { SOBOL_DIMENSIONS, sobolPoints } from './sobol.ts';

/** Points 1, 2, 3, 7, 33 and 63 times 64: scipy 1.17, `qmc.Sobol(d=21, scramble=False, bits=32).random(64)`. */
const SCIPY: Record<number, number[]> = {
  1: [32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32],
  2: [48, 16, 16, 16, 48, 48, 16, 48, 48, 48, 48, 48, 16, 16, 48, 16, 48, 16, 48, 16, 16],
  3: [16, 48, 48, 48, 16, 16, 48, 16, 16, 16, 16, 16, 48, 48, 16, 48, 16, 48, 16, 48, 48],
  7: [8, 40, 24, 8, 8, 24, 40, 40, 40, 56, 40, 8, 40, 24, 8, 8, 8, 8, 40, 56, 56],
  33: [35, 49, 13, 3, 41, 27, 19, 11, 31, 35, 57, 29, 61, 31, 31, 39, 43, 35, 59, 1, 53],
  63: [1, 51, 23, 29, 55, 9, 37, 9, 53, 37, 27, 43, 35, 49, 21, 49, 5, 25, 61, 15, 15],
};

function first(count: number, dimensions: number, seed?: number): number[][] {
  const points = sobolPoints(dimensions, seed);
  return Array.from({ length: count }, () => [...(points.next().value as Float64Array)]);
}

test('is the sequence that scipy gives', () => {
  const points = first(64, SOBOL_DIMENSIONS);
  expect(points[0]).toEqual(Array(SOBOL_DIMENSIONS).fill(0));
  for (const [index, wanted] of Object.entries(SCIPY)) expect(points[Number(index)].map((x) => 64 * x)).toEqual(wanted);
});

test('of 64 points each 64th of every side has one, whatever the seed', () => {
  for (const seed of [undefined, 0, 7]) {
    const points = first(64, SOBOL_DIMENSIONS, seed);
    for (let at = 0; at < SOBOL_DIMENSIONS; at++)
      expect(new Set(points.map((point) => Math.floor(64 * point[at]))).size).toBe(64);
  }
  expect(first(4, 3, 1)).toEqual(first(4, 3, 1));
  expect(first(4, 3, 1)).not.toEqual(first(4, 3, 2));
  expect(() => first(1, SOBOL_DIMENSIONS + 1)).toThrow(RangeError);
});
