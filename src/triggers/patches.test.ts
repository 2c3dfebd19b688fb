// What badnets can do beyond a square: shapes, pictures, several patches, sizes by area.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image, ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { type BadnetsParameters, badnets, badnetsParameters, patchTrigger } from './badnets.ts';
import { PATCH_SHAPES } from './patch-shapes.ts';
import { stampImages } from './stamp.ts';

const RGB: ImageShape = { height: 12, width: 12, channels: 3 };
const CONTEXT = {
  seed: 0,
  dataset: 'none',
  runtime: () => {
    throw new Error('no runtime is needed');
  },
};

const grey = (shape: ImageShape, level: number): Image => ({
  ...shape,
  pixels: new Uint8Array(shape.height * shape.width * shape.channels).fill(level),
});

async function stamped(given: object, shape = RGB, level = 100): Promise<Image> {
  const image = grey(shape, level);
  const trigger = await badnets.create(badnetsParameters.parse(given) as BadnetsParameters, shape, CONTEXT);
  await stampImages(trigger, [image], [Rng.of(0)]);
  return image;
}

/** First channel, row by row. */
const reds = ({ pixels, width, channels }: Image) =>
  Array.from({ length: pixels.length / channels / width }, (_, y) =>
    Array.from({ length: width }, (_pixel, x) => pixels[(y * width + x) * channels]),
  );

describe('parameters', () => {
  it('at their neutral values are left out, and so is what has no effect', () => {
    const square = {
      size: 0.25,
      position: 'bottom-right',
      color: 'white',
      opacity: 1,
      rounding: 'round',
      stampAt: 'native',
    };
    const neutral = { shape: 'square', sizeBy: 'side', otherColor: 'green', cell: 3, patternSeed: 8 };
    expect(badnetsParameters.parse({ ...square, ...neutral })).toEqual(square);
    const { color: _, ...uncoloured } = square;
    expect(badnetsParameters.parse({ ...square, shape: 'noise', cell: 4 })).toEqual({
      ...uncoloured,
      ...{ shape: 'noise', patternSeed: 0 },
    });
    expect(badnetsParameters.parse({ size: 0.25, shape: 'checkerboard', patternSeed: 4 })).toEqual({
      ...square,
      ...{ shape: 'checkerboard', otherColor: 'black', cell: 1 },
    });
    const once = badnetsParameters.parse({ size: 0.25, shape: 'circle', alsoAt: ['middle'], sizeBy: 'area' });
    expect(badnetsParameters.parse(once)).toEqual(once);
  });

  it.each([
    [{ shape: 'star' }, 'shape'],
    [{ alsoAt: [] }, 'alsoAt'],
    [{ alsoAt: 'middle' }, 'alsoAt'],
    [{ alsoAt: Array(17).fill('middle') }, 'alsoAt'],
    [{ sizeBy: 'pixels' }, 'sizeBy'],
    [{ cell: 0 }, 'cell'],
    [{ patternSeed: -1 }, 'patternSeed'],
    [{ shape: 'checkerboard', color: 'black' }, 'otherColor'],
    [{ image: './there-is-no-such.png' }, 'image'],
    [{ image: '.' }, 'image'],
    [{ image: { path: 'x.png', sha256: 'abc' } }, 'image'],
  ])('%j: the fault is found', (given, field) => {
    const { error } = badnetsParameters.safeParse({ size: 0.2, ...given });
    expect(error?.issues.map(({ path }) => path[0])).toEqual([field]);
  });

  it('every position must fit', () => {
    const parse = (alsoAt: unknown) => badnetsParameters.parse({ size: 0.5, alsoAt });
    expect(() => badnets.check(parse([{ top: 6, left: 6 }]), RGB)).not.toThrow();
    expect(() => badnets.check(parse(['middle', { top: 7, left: 0 }]), RGB)).toThrow('does not fit');
  });
});

describe('on pixels', () => {
  it('a shape leaves what it does not cover', async () => {
    const image = await stamped({ size: 0.25, position: 'top-left', shape: 'cross', color: 'black' });
    expect(
      reds(image)
        .map((row) => row.slice(0, 4))
        .slice(0, 4),
    ).toEqual([
      [100, 0, 100, 100],
      [0, 0, 0, 100],
      [100, 0, 100, 100],
      [100, 100, 100, 100],
    ]);
  });

  it('several patches, the pixels where they overlap blended once', async () => {
    const given = { size: 0.25, position: 'top-left', alsoAt: [{ top: 1, left: 1 }, 'bottom-right'], opacity: 0.5 };
    const image = await stamped(given, RGB, 55);
    const changed = reds(image).flatMap((row, y) => row.flatMap((level, x) => (level === 55 ? [] : [[y, x, level]])));
    expect(changed).toHaveLength(9 + 9 - 4 + 9);
    expect(changed.every(([, , level]) => level === 155)).toBe(true);
    expect(reds(image)[11][11]).toBe(155);
  });

  it.each([
    ['square', 'round', 0.25, 6], // √(0.25 · 144) = 6
    ['circle', 'round', 0.25, 7], // √(36 / 0.7854) = 6.77
    ['circle', 'floor', 0.25, 6],
    ['triangle', 'round', 0.25, 8], // √72 = 8.49
    ['cross', 'round', 0.25, 8], // √64.8 = 8.05
  ] as const)('%s by area, %s: 25 %% of 12 × 12', async (shape, rounding, size, side) => {
    const image = await stamped({ size, rounding, shape, sizeBy: 'area', position: 'top-left', color: 'white' });
    const rows = reds(image).map((row) => row.lastIndexOf(255));
    expect(Math.max(...rows)).toBe(side - 1);
  });

  it('a noise patch is the same on every image, grey ones take its luma', async () => {
    const [one, two] = [
      await stamped({ size: 0.5, shape: 'noise' }),
      await stamped({ size: 0.5, shape: 'noise' }, RGB, 7),
    ];
    const inside = (image: Image) =>
      reds(image)
        .slice(6)
        .map((row) => row.slice(6));
    expect(inside(one)).toEqual(inside(two));
    const other = await stamped({ size: 0.5, shape: 'noise', patternSeed: 1 });
    expect(inside(other)).not.toEqual(inside(one));
    const single = await stamped({ size: 0.5, shape: 'noise' }, { ...RGB, channels: 1 });
    const [r, g, b] = one.pixels.subarray((6 * 12 + 6) * 3, (6 * 12 + 6) * 3 + 3);
    expect(single.pixels[6 * 12 + 6]).toBe(Math.floor((299 * r + 587 * g + 114 * b + 500) / 1000));
  });

  it('whatever the parameters: nothing outside the mask changes, at opacity 1 twice is once, and streams decide alone', () => {
    const parameters = fc.record({
      size: fc.double({ min: 0.05, max: 0.6, noNaN: true }),
      position: fc.constantFrom('top-left', 'middle', 'random'),
      shape: fc.constantFrom(...PATCH_SHAPES),
      sizeBy: fc.constantFrom('side', 'area'),
      alsoAt: fc.option(fc.constant(['random', 'top-right']), { nil: undefined }),
      opacity: fc.constantFrom(1, 0.3),
    });
    fc.assert(
      fc.property(parameters, fc.integer(), (given, seed) => {
        const parsed = badnetsParameters.parse(given);
        fc.pre(fits(parsed));
        const trigger = patchTrigger(parsed, RGB);
        const image = grey(RGB, 90);
        trigger.apply(image, Rng.of(seed));
        const mask = trigger.overlay.draw(Rng.of(seed));
        expect(trigger.overlay.draw(Rng.of(seed))).toEqual(mask);
        expect(image.pixels.every((level, i) => mask[4 * Math.floor(i / 3) + 3] === 255 || level === 90)).toBe(true);
        if (given.opacity < 1) return;
        const again = { ...image, pixels: image.pixels.slice() };
        trigger.apply(again, Rng.of(seed));
        expect(again.pixels).toEqual(image.pixels);
      }),
      { numRuns: 60 },
    );
  });
});

function fits(parameters: BadnetsParameters): boolean {
  try {
    badnets.check(parameters, RGB);
    return true;
  } catch {
    return false;
  }
}

describe('a picture', () => {
  let folder: string;
  let path: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'triggerlab-patch-'));
    path = join(folder, 'flag.png');
    // Two rows of four: red, half-covering green, nothing, black.
    const row = [255, 0, 0, 255, 0, 255, 0, 51, 9, 9, 9, 0, 0, 0, 0, 255];
    const raw = { width: 4, height: 2, channels: 4 } as const;
    await sharp(Uint8Array.from([...row, ...row]), { raw })
      .png()
      .toFile(path);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is laid on pixel by pixel, as far as it covers', async () => {
    const image = await stamped({ size: 4 / 12, position: 'top-right', image: path });
    const at = (y: number, x: number) => [...image.pixels.subarray((y * 12 + x) * 3, (y * 12 + x) * 3 + 3)];
    for (const y of [0, 1]) {
      expect([8, 9, 10, 11].map((x) => at(y, x))).toEqual([
        [255, 0, 0],
        [80, 131, 80], // 0.8 · 100 + 0.2 · (0, 255, 0)
        [100, 100, 100],
        [0, 0, 0],
      ]);
      expect(at(y, 7)).toEqual([100, 100, 100]);
    }
    expect(at(2, 8)).toEqual([100, 100, 100]);
  });

  it('keeps its proportions: size is its longer side, or its area', async () => {
    const parsed = badnetsParameters.parse({ size: 0.5, image: path }) as BadnetsParameters;
    const trigger = await badnets.create(parsed, RGB, CONTEXT);
    const covered = (rgba: Uint8Array | undefined) => {
      const on = Array.from({ length: 144 }, (_, i) => i).filter((i) => (rgba?.[4 * i + 3] ?? 0) > 0);
      return [new Set(on.map((i) => Math.floor(i / 12))).size, new Set(on.map((i) => i % 12)).size];
    };
    // 6 × 3, of which the transparent column is thin enough to be covered a little everywhere.
    expect(covered(trigger.overlay?.draw(Rng.of(0)))[0]).toBe(3);
    const area = badnetsParameters.parse({ size: 0.5, sizeBy: 'area', image: path }) as BadnetsParameters;
    expect(covered((await badnets.create(area, RGB, CONTEXT)).overlay?.draw(Rng.of(0)))[0]).toBe(6);
  });

  it('has no shape and no colour', () => {
    const parsed = badnetsParameters.parse({ size: 0.5, image: path });
    expect(parsed).not.toHaveProperty('color');
    expect(parsed).toMatchObject({ image: { path, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    expect(badnetsParameters.parse(parsed)).toEqual(parsed);
    const both = badnetsParameters.safeParse({ size: 0.5, image: path, shape: 'circle' });
    expect(both.error?.issues).toMatchObject([{ path: ['shape'], message: 'shape circle and image are both given' }]);
  });
});
