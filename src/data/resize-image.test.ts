import { expect, test } from 'vitest';
import type { Image } from '../core/images.ts';
import { resizeImage } from './resize-image.ts';

const image: Image = {
  height: 7,
  width: 5,
  channels: 3,
  pixels: Uint8Array.from({ length: 105 }, (_, i) => (37 * i) % 256),
};

/** What PIL 12's `resize(…, BILINEAR)` gives, which rounds after each axis: hence one level of difference. */
const PIL: readonly (readonly [height: number, width: number, pixels: readonly number[]])[] = [
  [
    3,
    3,
    [
      85, 122, 135, 111, 97, 122, 146, 120, 105, 145, 136, 139, 132, 132, 132, 125, 128, 119, 107, 144, 118, 142, 116,
      153, 129, 142, 127,
    ],
  ],
  [
    10,
    2,
    [
      99, 78, 115, 147, 126, 81, 91, 102, 139, 139, 105, 105, 95, 132, 143, 122, 98, 132, 125, 162, 99, 95, 128, 154,
      155, 124, 117, 121, 151, 116, 148, 113, 143, 147, 140, 109, 110, 136, 169, 165, 102, 139, 132, 166, 142, 122, 132,
      169, 122, 133, 125, 125, 136, 136, 101, 80, 117, 149, 128, 83,
    ],
  ],
];

test.each(PIL)('to %i × %i it is what PIL gives', (height, width, expected) => {
  const { pixels, ...shape } = resizeImage(image, height, width);
  expect(shape).toEqual({ height, width, channels: 3 });
  expect(pixels).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(pixels[i] - value)).toBeLessThanOrEqual(1);
});

test('an image of the size wanted stays as it is, a plain one stays plain', () => {
  expect(resizeImage(image, 7, 5)).toBe(image);
  const white = { ...image, pixels: new Uint8Array(105).fill(255) };
  for (const side of [1, 2, 6, 40]) expect(new Set(resizeImage(white, side, side).pixels)).toEqual(new Set([255]));
});
