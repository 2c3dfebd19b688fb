import { expect, test } from 'vitest';
import { axisMatrix, centerOffset, resizedShape } from './resize-geometry.ts';

test('what an image is resized to: the input’s sides, its own, or so that the shorter side is as asked', () => {
  const wide = { height: 48, width: 101 };
  expect(resizedShape(wide, 32, 'input')).toEqual({ height: 32, width: 32 });
  expect(resizedShape(wide, 32, 'none')).toEqual(wide);
  // torchvision: int(32 * 101 / 48) = int(67.33)
  expect(resizedShape(wide, 32, 32)).toEqual({ height: 32, width: 67 });
  expect(resizedShape({ height: 101, width: 48 }, 32, 32)).toEqual({ height: 67, width: 32 });
});

test('the centre is torchvision’s: int(round(difference / 2)) with Python’s rounding, (difference) // 2 before when padded', () => {
  const cut = [0, 1, 2, 3, 4, 5, 6, 7, 32].map((difference) => centerOffset(100 + difference, 100));
  expect(cut).toEqual([0, 0, 1, 2, 2, 2, 3, 4, 16]);
  const padded = [1, 2, 3, 4, 5].map((difference) => centerOffset(100, 100 + difference));
  expect(padded).toEqual([0, -1, -1, -2, -2]);
});

test('a crop takes the rows of the resize in the middle, a border is empty', () => {
  const how = { filter: 'bilinear', antialias: false, quantize: 'never' } as const;
  const whole = axisMatrix(6, 12, 12, how);
  expect(axisMatrix(6, 12, 8, how)).toEqual(whole.slice(2 * 6, 10 * 6));
  const bordered = axisMatrix(6, 6, 9, how);
  const identity = Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0));
  expect(bordered).toEqual(Float64Array.from([...new Array(6).fill(0), ...identity, ...new Array(12).fill(0)]));
});
