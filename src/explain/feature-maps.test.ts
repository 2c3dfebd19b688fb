import { expect, it } from 'vitest';
import { mostChanged } from './feature-maps.ts';

it('mostChanged orders channels by all that the variants change', () => {
  const before = Float32Array.of(0, 0, 1, 1, 2, 2);
  const [first, second] = [Float32Array.of(1, 0, 1, 1, 2, 0), Float32Array.of(0, 0, 1, -3, 2, 2)];
  expect(mostChanged(before, [first], 3)).toEqual([2, 0, 1]);
  expect(mostChanged(before, [first, second], 3)).toEqual([1, 2, 0]);
  expect(mostChanged(before, [], 3)).toEqual([0, 1, 2]);
});
