import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { type Grid, noiseGrid, randomField, warp, warpGrid } from './warp.ts';

interface Case {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly images: number;
  readonly strength: number;
  readonly gridRescale: number;
  readonly field: readonly number[];
  readonly grid: string;
  readonly offsets: string;
  readonly pixels: string;
  readonly warped: string;
}

const fixture = new URL('../../test/fixtures/wanet/cases.json', import.meta.url);
const { cases, torch } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Case[]; torch: string };
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const floats = (text: string) => new Float32Array(bytes(text).buffer);
const farthest = (ours: ArrayLike<number>, theirs: ArrayLike<number>) => {
  expect(ours.length).toBe(theirs.length);
  return Math.max(...Array.from(ours, (value, i) => Math.abs(value - theirs[i])));
};

describe(`as PyTorch ${torch}`, () => {
  it('has 100 images of all kinds', () => {
    expect(cases.reduce((sum, { images }) => sum + images, 0)).toBe(100);
    expect(cases.some(({ offsets }) => offsets !== '')).toBe(true);
  });

  it.each(cases)('$images images of $height × $width × $channels, s = $strength, rescaled $gridRescale', (given) => {
    const { height, width, channels, images } = given;
    const grid = warpGrid(given.field, given, given);
    const theirs = floats(given.grid);
    const ours = Array.from(grid.x).flatMap((x, i) => [x, grid.y[i]]);
    // float32 has 24 bits.
    expect(farthest(ours, theirs)).toBeLessThanOrEqual(2e-6);
    const [pixels, warped, offsets] = [bytes(given.pixels), floats(given.warped), floats(given.offsets)];
    const size = height * width * channels;
    for (let n = 0; n < images; n++) {
      const own = offsets.length > 0 ? withOffsets(grid, offsets.subarray(2 * n * height * width)) : grid;
      const image = warp(pixels.subarray(n * size, (n + 1) * size), channels, own);
      const distance = farthest(
        image.map((level) => level / 255),
        warped.subarray(n * size, (n + 1) * size),
      );
      expect(distance, `image ${n}`).toBeLessThanOrEqual(1e-5);
    }
  });
});

/** A noise grid from given numbers in place of drawn ones. */
function withOffsets(grid: Grid, offsets: Float32Array): Grid {
  let at = 0;
  return noiseGrid(grid, { uniform: () => (offsets[at++] + 1) / 2 } as Rng);
}

describe('warp', () => {
  const shape = { height: 6, width: 5 };
  const still = { strength: 0, gridRescale: 1 };
  const pixels = Uint8Array.from({ length: 6 * 5 * 3 }, (_, i) => (i * 37) % 256);

  it('without strength changes nothing', () => {
    const same = warp(pixels, 3, warpGrid(randomField(4, Rng.of(0)), shape, still));
    expect(farthest(same, pixels)).toBeLessThan(1e-9);
  });

  it('rescaled by a half shows the middle, enlarged', () => {
    const ramp = Float64Array.from({ length: 25 }, (_, i) => i % 5);
    const grid = warpGrid([1, 1], { height: 5, width: 5 }, { strength: 0, gridRescale: 0.5 });
    const row = Array.from(warp(ramp, 1, grid)).slice(0, 5);
    row.forEach((level, x) => {
      expect(level).toBeCloseTo(1 + x / 2, 12);
    });
  });

  it('keeps every level between the least and the greatest, for all fields', () => {
    const options = fc.record({ strength: fc.double({ min: 0, max: 9, noNaN: true }), gridRescale: fc.constant(1) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer(), options, (k, seed, given) => {
        const grid = warpGrid(randomField(k, Rng.of(seed)), shape, given);
        for (const at of [...grid.x, ...grid.y]) expect(at >= -1 && at <= 1).toBe(true);
        for (const level of warp(pixels, 3, grid)) expect(level >= 0 && level <= 255 + 1e-9).toBe(true);
        const flat = warp(new Uint8Array(30).fill(200), 1, noiseGrid(grid, Rng.of(seed, 'noise')));
        expect(Math.max(...flat.map((level) => Math.abs(level - 200)))).toBeLessThan(1e-9);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses images and fields of another size', () => {
    expect(() => warp(pixels, 1, warpGrid([1, 1], shape, still))).toThrow(RangeError);
    expect(() => warpGrid([1, 1, 1], shape, still)).toThrow('3 numbers are no k × k vectors');
  });
});

describe('randomField', () => {
  it('is what it has always been', () => {
    const field = randomField(2, Rng.of(1, 'wanet', 'field'));
    const rounded = Array.from(field, (value) => Math.round(100 * value));
    expect(rounded).toEqual([34, 55, -35, 26, 55, 4, 74, -34]);
    for (const value of Array.from(field)) expect(Math.abs(value)).toBeLessThanOrEqual(1);
  });
});
