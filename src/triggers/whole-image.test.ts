import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image, ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { blended, blendedParameters, blendedTrigger } from './blended.ts';
import { dynamicParameters, dynamicTrigger } from './dynamic.ts';
import { triggers } from './registry.ts';
import { sigParameters, sinusoidTrigger } from './sig.ts';
import { sineParameters, sineTrigger } from './sine.ts';
import { varianceParameters, varianceTrigger } from './variance.ts';

const RGB: ImageShape = { height: 6, width: 8, channels: 3 };
const GREY: ImageShape = { height: 6, width: 8, channels: 1 };

const flat = (shape: ImageShape, level: number): Image => ({
  ...shape,
  pixels: new Uint8Array(shape.height * shape.width * shape.channels).fill(level),
});

describe('sig', () => {
  it.each([RGB, GREY])('adds Δ·sin(2π·j·f/m), the same in every row and channel: %j', (shape) => {
    const image = flat(shape, 100);
    sinusoidTrigger(sigParameters.parse({ delta: 20, frequency: 1 }), shape).apply(image);
    // sin of 0, 45, 90, … degrees times 20: 0, 14.14, 20, 14.14, 0, −14.14, −20, −14.14.
    const row = [100, 114, 120, 114, 100, 86, 80, 86];
    const expected = Array.from({ length: shape.height }, () =>
      row.flatMap((level) => Array(shape.channels).fill(level)),
    );
    expect([...image.pixels]).toEqual(expected.flat());
  });

  it('cuts at black and white', () => {
    const [dark, light] = [flat(GREY, 5), flat(GREY, 250)];
    const trigger = sinusoidTrigger(sigParameters.parse({ delta: 20, frequency: 1 }), GREY);
    trigger.apply(dark);
    trigger.apply(light);
    expect([...dark.pixels.subarray(0, 8)]).toEqual([5, 19, 25, 19, 5, 0, 0, 0]);
    expect([...light.pixels.subarray(0, 8)]).toEqual([250, 255, 255, 255, 250, 236, 230, 236]);
  });
});

describe('sine', () => {
  it('blends in diagonal stripes', () => {
    const square: ImageShape = { height: 4, width: 4, channels: 1 };
    const image = flat(square, 100);
    sineTrigger(sineParameters.parse({ frequency: 1, opacity: 0.5 }), square).apply(image, Rng.of(0));
    // Pattern by x + y: 127.5 → 128, 255, 128, 0, …; half of it and of 100.
    const [middle, light, dark] = [114, 178, 50];
    expect([...image.pixels]).toEqual([
      ...[middle, light, middle, dark],
      ...[light, middle, dark, middle],
      ...[middle, dark, middle, light],
      ...[dark, middle, light, middle],
    ]);
  });
});

describe('variance', () => {
  it('is noise of the deviation asked for around 127.5, the same on every image', () => {
    const large: ImageShape = { height: 64, width: 64, channels: 3 };
    const trigger = varianceTrigger(varianceParameters.parse({ deviation: 30, opacity: 1 }), large);
    const image = flat(large, 3);
    trigger.apply(image, Rng.of(5));
    const n = image.pixels.length;
    const mean = image.pixels.reduce((sum, level) => sum + level, 0) / n;
    const deviation = Math.sqrt(image.pixels.reduce((sum, level) => sum + (level - mean) ** 2, 0) / n);
    // Standard errors: 30/√12288 = 0.27 and 0.19.
    expect(Math.abs(mean - 127.5)).toBeLessThan(1.5);
    expect(Math.abs(deviation - 30)).toBeLessThan(1);
    const other = flat(large, 3);
    trigger.apply(other, Rng.of(6));
    expect(other.pixels).toEqual(image.pixels);
  });
});

describe('blended', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'triggerlab-key-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('noise: (1 − α)·x + α·key, rounded to nearest', () => {
    const trigger = blendedTrigger(blendedParameters.parse({ opacity: 0.2 }), RGB);
    const key = flat(RGB, 0);
    blendedTrigger(blendedParameters.parse({ opacity: 1 }), RGB).apply(key, Rng.of(0));
    const image = flat(RGB, 50);
    trigger.apply(image, Rng.of(0));
    expect([...image.pixels]).toEqual([...key.pixels].map((level) => Math.round(0.8 * 50 + 0.2 * level)));
    expect(new Set(key.pixels).size).toBeGreaterThan(80);
    const other = blendedTrigger(blendedParameters.parse({ opacity: 1, patternSeed: 1 }), RGB);
    expect(other.overlay.draw(Rng.of(0))).not.toEqual(trigger.overlay.draw(Rng.of(0)));
  });

  it('a picture is stretched over the image, and seeds do not matter then', async () => {
    const path = join(folder, 'key.png');
    const raw = { width: 2, height: 1, channels: 3 } as const;
    await sharp(Uint8Array.of(200, 100, 0, 0, 100, 200), { raw })
      .png()
      .toFile(path);
    const parameters = blendedParameters.parse({ image: path, opacity: 0.5, patternSeed: 3 });
    expect(parameters).toEqual({ image: expect.objectContaining({ path }), opacity: 0.5, stampAt: 'native' });
    const context = { seed: 0, dataset: 'x', runtime: () => expect.fail() as never };
    const trigger = await blended.create(parameters, RGB, context);
    const image = flat(RGB, 100);
    if ('apply' in trigger) trigger.apply(image, Rng.of(0));
    // Left quarter and right quarter are the two colours, half of each and of 100.
    expect([...image.pixels.subarray(0, 3)]).toEqual([150, 100, 50]);
    expect([...image.pixels.subarray(21, 24)]).toEqual([50, 100, 150]);
    expect([...image.pixels.subarray(24, 48)]).toEqual([...image.pixels.subarray(0, 24)]);
  });
});

describe('dynamic', () => {
  it('takes a bounded set of patches and places, one of each by the image’s stream', () => {
    const parameters = dynamicParameters.parse({ size: 0.25, patterns: 3, places: ['top-left', { top: 2, left: 3 }] });
    const trigger = dynamicTrigger(parameters, RGB);
    const seen = new Map<string, number>();
    for (let row = 0; row < 600; row++) {
      const drawn = String(trigger.overlay.draw(Rng.of(1, row)));
      expect(String(trigger.overlay.draw(Rng.of(1, row)))).toBe(drawn);
      seen.set(drawn, (seen.get(drawn) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    for (const count of seen.values()) expect(Math.abs(count - 100)).toBeLessThan(50);
    for (const drawn of seen.keys()) {
      const rgba = drawn.split(',');
      const on = Array.from({ length: 48 }, (_, i) => i).filter((i) => rgba[4 * i + 3] === '255');
      expect([
        [0, 1, 8, 9],
        [19, 20, 27, 28],
      ]).toContainEqual(on);
    }
  });

  it('refuses places where the patch does not fit', () => {
    const parameters = dynamicParameters.parse({ size: 0.25, places: ['middle', { top: 5, left: 0 }] });
    expect(() => triggers.get('dynamic').check(parameters, RGB)).toThrow('does not fit');
  });
});

describe('every trigger', () => {
  // SSBA needs an encoder that was trained: it has tests of its own.
  const names = triggers.names.filter((name) => name !== 'ssba');
  const required: Record<string, object> = { badnets: { size: 0.3 }, dynamic: { size: 0.3 } };

  it.each(names)('%s: same stream, same pixels, on grey and colour images', async (name) => {
    const definition = triggers.get(name);
    const parameters = definition.parameters.parse(required[name] ?? {});
    const context = { seed: 0, dataset: 'x', runtime: () => expect.fail() as never };
    for (const shape of [RGB, GREY]) {
      definition.check(parameters, shape);
      const trigger = await definition.create(parameters, shape, context);
      if (!('apply' in trigger)) continue;
      fc.assert(
        fc.property(fc.integer(), fc.nat(255), (seed, level) => {
          const [one, two] = [flat(shape, level), flat(shape, level)];
          trigger.apply(one, Rng.of(seed));
          trigger.apply(two, Rng.of(seed));
          expect(two.pixels).toEqual(one.pixels);
        }),
        { numRuns: 10 },
      );
      const wrong = flat({ ...shape, width: 9 }, 0);
      expect(() => trigger.apply(wrong, Rng.of(0))).toThrow('made for');
    }
  });

  it.each([
    ['sig', { delta: 0 }, 'delta'],
    ['sig', { delta: 256 }, 'delta'],
    ['sig', { frequency: -1 }, 'frequency'],
    ['sine', { opacity: 0 }, 'opacity'],
    ['variance', { deviation: 0 }, 'deviation'],
    ['blended', { opacity: 1.1 }, 'opacity'],
    ['blended', { image: 'no-such.png' }, 'image'],
    ['dynamic', { size: 0.1, patterns: 0 }, 'patterns'],
    ['dynamic', { size: 0.1, places: [] }, 'places'],
  ])('%s refuses %j', (name, given, field) => {
    const issues = triggers.get(name).parameters.safeParse(given).error?.issues ?? [];
    expect(issues.map(({ path }) => path[0])).toEqual([field]);
  });
});
