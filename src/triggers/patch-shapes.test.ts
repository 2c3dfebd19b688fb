import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { checkerboardStamp, FILL, noiseStamp, PATCH_SHAPES, type Stamp, shapeStamp } from './patch-shapes.ts';

/** Covered pixels as `#`, others as `.`, one text a row. */
function drawn({ height, width, rgba }: Stamp): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_pixel, x) => (rgba[4 * (y * width + x) + 3] === 255 ? '#' : '.')).join(''),
  );
}

const RED = [255, 0, 1] as const;

describe('shapes, pixel by pixel', () => {
  it.each([
    ['square', 3, ['###', '###', '###']],
    ['circle', 1, ['#']],
    ['circle', 5, ['.###.', '#####', '#####', '#####', '.###.']],
    ['circle', 6, ['.####.', '######', '######', '######', '######', '.####.']],
    ['triangle', 1, ['#']],
    ['triangle', 4, ['....', '.##.', '.##.', '####']],
    ['triangle', 5, ['..#..', '..#..', '.###.', '.###.', '#####']],
    ['cross', 1, ['#']],
    ['cross', 2, ['##', '##']],
    ['cross', 3, ['.#.', '###', '.#.']],
    ['cross', 5, ['..#..', '..#..', '#####', '..#..', '..#..']],
    ['cross', 8, ['...##...', '...##...', '...##...', '########', '########', '...##...', '...##...', '...##...']],
  ] as const)('%s of %i pixels', (shape, side, expected) => {
    const stamp = shapeStamp(shape, side, RED);
    expect(drawn(stamp)).toEqual(expected);
    for (let at = 0; at < stamp.rgba.length; at += 4) {
      expect([...stamp.rgba.subarray(at, at + 4)]).toEqual(stamp.rgba[at + 3] === 255 ? [...RED, 255] : [0, 0, 0, 0]);
    }
  });

  it.each(PATCH_SHAPES)('a large %s covers the share that is said, and is the same from left and right', (shape) => {
    const rows = drawn(shapeStamp(shape, 201, RED));
    const covered = rows.join('').split('#').length - 1;
    expect(Math.abs(covered / 201 ** 2 - FILL[shape])).toBeLessThan(0.005);
    for (const row of rows) expect([...row].reverse().join('')).toBe(row);
  });
});

it('a checkerboard has its first colour in the upper left corner and cells of the size asked for', () => {
  const { rgba } = checkerboardStamp(5, 2, [9, 8, 7], [1, 2, 3]);
  const reds = Array.from({ length: 5 }, (_, y) => [0, 1, 2, 3, 4].map((x) => rgba[4 * (y * 5 + x)]));
  expect(reds).toEqual([
    [9, 9, 1, 1, 9],
    [9, 9, 1, 1, 9],
    [1, 1, 9, 9, 1],
    [1, 1, 9, 9, 1],
    [9, 9, 1, 1, 9],
  ]);
});

it('noise is uniform, opaque and belongs to its stream', () => {
  const { rgba } = noiseStamp(40, 50, Rng.of(1, 'noise'));
  const levels = rgba.filter((_, i) => i % 4 < 3);
  expect(levels).toHaveLength(6000);
  const mean = levels.reduce((sum, level) => sum + level, 0) / 6000;
  // Standard error of the mean: 73.9 / √6000 = 0.95.
  expect(Math.abs(mean - 127.5)).toBeLessThan(5);
  expect([Math.min(...levels), Math.max(...levels)]).toEqual([0, 255]);
  expect(rgba.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  expect(noiseStamp(40, 50, Rng.of(1, 'noise')).rgba).toEqual(rgba);
  expect(noiseStamp(40, 50, Rng.of(2, 'noise')).rgba).not.toEqual(rgba);
});
