import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { colorSchema, lumaOf, rgbOf } from './colors.ts';

describe('colorSchema', () => {
  it.each([
    ['black', 'black', [0, 0, 0]],
    ['#FFFFFF', 'white', [255, 255, 255]],
    ['#66b35c', 'green', [102, 179, 92]],
    [[102, 179, 92], 'green', [102, 179, 92]],
    ['#0A00ff', '#0a00ff', [10, 0, 255]],
    [[1, 2, 3], '#010203', [1, 2, 3]],
  ])('%j is kept as %s', (given, kept, rgb) => {
    expect(colorSchema.parse(given)).toBe(kept);
    expect(rgbOf(kept)).toEqual(rgb);
  });

  it('keeps every colour, and equal colours alike', () => {
    const level = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(level, level, level), (rgb) => {
        const kept = colorSchema.parse(rgb);
        expect(rgbOf(kept)).toEqual(rgb);
        expect(colorSchema.parse(kept)).toBe(kept);
      }),
    );
  });

  it.each(['red', '', '#fff', '#12345g', 'toString', [0, 0], [0, 0, 1.5], null, 7])('refuses %j', (given) => {
    const result = colorSchema.safeParse(given);
    expect(result.error?.issues.map((issue) => issue.message)).toEqual([
      'expected black, white, green, "#rrggbb" (in quotes) or [r, g, b] with 0 to 255 each',
    ]);
  });
});

describe('colorSchema on levels out of range', () => {
  it.each([
    [[0, 0, 256], 2, /<=255/],
    [[0, -1, 0], 1, />=0/],
  ])('%j names the level', (given, at, message) => {
    const issues = colorSchema.safeParse(given).error?.issues;
    expect(issues).toMatchObject([{ path: [at], message: expect.stringMatching(message) }]);
  });
});

describe('rgbOf', () => {
  it('refuses what is no colour', () => {
    expect(() => rgbOf('constructor')).toThrow('"constructor" is no colour');
  });
});

describe('lumaOf', () => {
  it.each([
    [[0, 0, 0], 0],
    [[255, 255, 255], 255],
    [[102, 179, 92], 146], // 30.498 + 105.073 + 10.488 = 146.059
    [[255, 0, 0], 76], // 76.245
    [[0, 255, 0], 150], // 149.685
    [[0, 0, 255], 29], // 29.07
    [[0, 0, 250], 29], // 28.5: halves up
  ] as const)('%j is %i', (rgb, luma) => {
    expect(lumaOf(rgb)).toBe(luma);
  });
});
