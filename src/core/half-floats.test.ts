import { expect, it } from 'vitest';
import { bfloat16Value, float16Value } from './half-floats.ts';

it.each([
  [0x0000, 0],
  [0x8000, -0],
  [0x0001, 2 ** -24],
  [0x03ff, 1023 * 2 ** -24],
  [0x0400, 2 ** -14],
  [0x3c00, 1],
  [0xc000, -2],
  [0x3555, 0.333251953125],
  [0x7bff, 65504],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0xfc00, Number.NEGATIVE_INFINITY],
  [0x7e00, Number.NaN],
])('half precision %i is %d', (bits, value) => expect(float16Value(bits)).toBe(value));

it('half precision rises with its bits', () => {
  const all = Array.from({ length: 0x7c01 }, (_, bits) => bits);
  expect(all.slice(1).filter((bits) => !(float16Value(bits) > float16Value(bits - 1)))).toEqual([]);
  expect(all.filter((bits) => float16Value(bits | 0x8000) !== -float16Value(bits))).toEqual([]);
});

it.each([
  [0x0000, 0],
  [0x8000, -0],
  [0x0001, 2 ** -133],
  [0x3f80, 1],
  [0xc040, -3],
  [0x7f7f, 255 * 2 ** 120],
  [0xff80, Number.NEGATIVE_INFINITY],
  [0x7fc0, Number.NaN],
])('bfloat16 %i is %d', (bits, value) => expect(bfloat16Value(bits)).toBe(value));
