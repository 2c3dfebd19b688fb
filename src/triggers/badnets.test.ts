import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerImage, type Image, type ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { badnets, badnetsFields, badnetsParameters, patchSide, patchTrigger } from './badnets.ts';
import { lumaOf, rgbOf } from './colors.ts';
import { triggers } from './registry.ts';
import type { Box } from './trigger.ts';

const GREY: ImageShape = { height: 28, width: 28, channels: 1 };
const RGB: ImageShape = { height: 32, width: 32, channels: 3 };

/** An image whose every byte differs from its neighbours' and from the colours used. */
function ramp(shape: ImageShape): Image {
  return { ...shape, pixels: Uint8Array.from({ length: bytesPerImage(shape) }, (_, i) => 20 + ((i * 7) % 60)) };
}

function stamped(parameters: object, shape: ImageShape, rng = Rng.of(0)): Image {
  const image = ramp(shape);
  patchTrigger(badnetsParameters.parse(parameters), shape).apply(image, rng);
  return image;
}

/** What the image must be: written independently of the code under test, value by value. */
function expected(shape: ImageShape, box: Box, value: (before: number, channel: number) => number): Uint8Array {
  return ramp(shape).pixels.map((before, i) => {
    const pixel = Math.floor(i / shape.channels);
    const [y, x] = [Math.floor(pixel / shape.width), pixel % shape.width];
    const inside = y >= box.top && y < box.top + box.height && x >= box.left && x < box.left + box.width;
    return inside ? value(before, i % shape.channels) : before;
  });
}

const square = (top: number, left: number, side: number): Box => ({ top, left, height: side, width: side });

/** The rectangle that a trigger's pattern covers. */
function covered({ overlay, shape }: ReturnType<typeof patchTrigger>, rng: Rng): Box {
  const rgba = overlay.draw(rng);
  const at = Array.from({ length: shape.height * shape.width }, (_, i) => i).filter((i) => rgba[4 * i + 3] === 255);
  const [ys, xs] = [at.map((i) => Math.floor(i / shape.width)), at.map((i) => i % shape.width)];
  const [top, left] = [Math.min(...ys), Math.min(...xs)];
  const box = { top, left, height: Math.max(...ys) - top + 1, width: Math.max(...xs) - left + 1 };
  expect(at).toHaveLength(box.height * box.width);
  return box;
}

describe('badnets on pixels', () => {
  // 0.16 · 28 = 4.48 → 4 pixels; 0.16 · 32 = 5.12 → 5 pixels.
  it.each([
    ['top-left', square(0, 0, 4), square(0, 0, 5)],
    ['top-right', square(0, 24, 4), square(0, 27, 5)],
    ['middle', square(12, 12, 4), square(13, 13, 5)],
    ['bottom-left', square(24, 0, 4), square(27, 0, 5)],
    ['bottom-right', square(24, 24, 4), square(27, 27, 5)],
    [{ top: 3, left: 7 }, square(3, 7, 4), square(3, 7, 5)],
  ])('white at %j', (position, grey, rgb) => {
    const parameters = { size: 0.16, position, color: 'white' };
    expect(stamped(parameters, GREY).pixels).toEqual(expected(GREY, grey, () => 255));
    expect(stamped(parameters, RGB).pixels).toEqual(expected(RGB, rgb, () => 255));
  });

  it.each([
    ['black', 0, [0, 0, 0]],
    ['white', 255, [255, 255, 255]],
    ['green', 146, [102, 179, 92]],
    ['#ff0080', 91, [255, 0, 128]], // luma 76.245 + 14.592 = 90.837
    [[9, 8, 7], 8, [9, 8, 7]], // luma 2.691 + 4.696 + 0.798 = 8.185
  ])('%j at the lower right', (color, luma, rgb) => {
    expect(stamped({ size: 0.08, color }, GREY).pixels).toEqual(expected(GREY, square(26, 26, 2), () => luma));
    expect(stamped({ size: 0.08, color }, RGB).pixels).toEqual(expected(RGB, square(29, 29, 3), (_, c) => rgb[c]));
  });

  it('blends by opacity, rounding to nearest', () => {
    const half = stamped({ size: 0.25, position: 'top-left', color: 'white', opacity: 0.5 }, GREY);
    expect(half.pixels).toEqual(expected(GREY, square(0, 0, 7), (before) => Math.floor((before + 255 + 1) / 2)));
    const quarter = stamped({ size: 0.25, position: 'top-left', color: 'green', opacity: 0.25 }, RGB);
    const blended = (before: number, c: number) => Math.floor((3 * before + [102, 179, 92][c] + 2) / 4);
    expect(quarter.pixels).toEqual(expected(RGB, square(0, 0, 8), blended));
    const black = stamped({ size: 0.25, position: 'top-left', color: 'black', opacity: 0.5 }, GREY);
    expect([...black.pixels.subarray(0, 3)]).toEqual([10, 14, 17]); // of 20, 27, 34
  });

  it('covers the whole image at size 1', () => {
    expect(stamped({ size: 1, position: 'middle', color: 'black' }, RGB).pixels.every((level) => level === 0)).toBe(
      true,
    );
  });

  it('random: the same place for the same stream, and apply agrees with the pattern', () => {
    const parameters = badnetsParameters.parse({ size: 0.1, position: 'random', stampAt: 'input' });
    const trigger = patchTrigger(parameters, RGB);
    const places = new Set<string>();
    for (let row = 0; row < 50; row++) {
      const box = covered(trigger, Rng.of(4, row));
      expect(stamped(parameters, RGB, Rng.of(4, row)).pixels).toEqual(expected(RGB, box, () => 255));
      places.add(`${box.top},${box.left}`);
    }
    expect(places.size).toBeGreaterThan(40);
  });

  it('refuses images of another shape', () => {
    const trigger = patchTrigger(badnetsParameters.parse({ size: 0.1 }), GREY);
    expect(() => trigger.apply(ramp(RGB), Rng.of(0))).toThrow('made for 28 × 28 × 1 images');
  });
});

describe('badnets, whatever the parameters', () => {
  const level = fc.integer({ min: 0, max: 255 });
  const parameters = fc.record({
    size: fc.double({ min: 0.01, max: 1, noNaN: true }),
    position: fc.constantFrom('top-left', 'top-right', 'middle', 'bottom-left', 'bottom-right', 'random'),
    color: fc.tuple(level, level, level),
    opacity: fc.double({ min: 0.01, max: 1, noNaN: true }),
    rounding: fc.constantFrom('round', 'floor'),
  });
  const shape = fc.constantFrom(GREY, RGB, { height: 9, width: 7, channels: 3 } as const);

  it('changes nothing outside its box, and inside moves towards the colour', () => {
    fc.assert(
      fc.property(parameters, shape, fc.integer(), (given, size, seed) => {
        const parsed = badnetsParameters.parse({ ...given, stampAt: 'input' });
        const box = covered(patchTrigger(parsed, size), Rng.of(seed));
        const rgb = rgbOf(parsed.color ?? '');
        const color = size.channels === 1 ? Array(3).fill(lumaOf(rgb)) : rgb;
        const after = stamped(parsed, size, Rng.of(seed)).pixels;
        const before = ramp(size).pixels;
        expect(after).toEqual(
          expected(size, box, (was, c) => Math.round((1 - parsed.opacity) * was + parsed.opacity * color[c])),
        );
        const away = (pixels: Uint8Array, i: number) => Math.abs(pixels[i] - color[i % size.channels]);
        expect(after.every((value, i) => value === before[i] || away(after, i) < away(before, i))).toBe(true);
      }),
    );
  });

  it('is idempotent at opacity 1', () => {
    fc.assert(
      fc.property(parameters, shape, fc.integer(), (given, size, seed) => {
        const trigger = patchTrigger(badnetsParameters.parse({ ...given, opacity: 1 }), size);
        const once = ramp(size);
        trigger.apply(once, Rng.of(seed));
        const twice = { ...once, pixels: once.pixels.slice() };
        trigger.apply(twice, Rng.of(seed));
        expect(twice.pixels).toEqual(once.pixels);
      }),
    );
  });
});

describe('patchSide', () => {
  it.each([
    [0.04, 28, 1, 1],
    [0.06, 28, 2, 1],
    [0.08, 28, 2, 2],
    [0.04, 32, 1, 1],
    [0.06, 32, 2, 1],
    [0.08, 32, 3, 2],
    [0.04, 64, 3, 2],
    [0.06, 64, 4, 3],
    [0.08, 64, 5, 5],
    [0.001, 28, 1, 1],
    [0.125, 20, 3, 2],
    [1, 28, 28, 28],
  ])('size %s of %i pixels: round %i, floor %i', (size, width, round, floor) => {
    expect(patchSide({ size, rounding: 'round' }, { height: 9, width })).toBe(round);
    expect(patchSide({ size, rounding: 'floor' }, { height: 9, width })).toBe(floor);
  });
});

describe('badnets as a pattern', () => {
  it('is the colour, fully covered, inside the box', () => {
    const parameters = badnetsParameters.parse({ size: 0.25, position: 'top-right', color: 'green', opacity: 0.3 });
    const trigger = patchTrigger({ ...parameters, stampAt: 'input' }, RGB);
    expect(trigger.stampAt).toBe('input');
    expect(trigger.overlay.opacity).toBe(0.3);
    expect(covered(trigger, Rng.of(0))).toEqual(square(0, 24, 8));
    const rgba = trigger.overlay.draw(Rng.of(0));
    expect([...rgba.subarray(4 * 24, 4 * 25)]).toEqual([102, 179, 92, 255]);
    expect([...rgba.subarray(4 * 23, 4 * 24)]).toEqual([0, 0, 0, 0]);
    expect(patchTrigger(parameters, RGB).stampAt).toBe('native');
  });
});

describe('badnets parameters', () => {
  it('are registered, described and completed', () => {
    expect(triggers.get('badnets').name).toBe('badnets');
    for (const [name, field] of Object.entries(badnetsFields.shape)) expect(field.description, name).toBeTruthy();
    expect(badnets.parameters.parse({ size: 0.1 })).toEqual({
      size: 0.1,
      position: 'bottom-right',
      color: 'white',
      opacity: 1,
      rounding: 'round',
      stampAt: 'native',
    });
  });

  it.each([
    [{}, 'size'],
    [{ size: 0 }, 'size'],
    [{ size: 1.01 }, 'size'],
    [{ size: -0.1 }, 'size'],
    [{ size: Number.NaN }, 'size'],
    [{ size: '8%' }, 'size'],
    [{ size: 0.1, opacity: 0 }, 'opacity'],
    [{ size: 0.1, opacity: 1.5 }, 'opacity'],
    [{ size: 0.1, position: 'centre' }, 'position'],
    [{ size: 0.1, color: 'red' }, 'color'],
    [{ size: 0.1, color: null }, 'color'],
    [{ size: 0.1, rounding: 'ceil' }, 'rounding'],
    [{ size: 0.1, stampAt: 'output' }, 'stampAt'],
  ])('refuses %j', (given, field) => {
    expect(badnetsParameters.safeParse(given).error?.issues.map((issue) => issue.path[0])).toEqual([field]);
  });

  it('refuses unknown keys', () => {
    const issues = badnetsParameters.safeParse({ size: 0.1, colour: 'white' }).error?.issues;
    expect(issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['colour'] }]);
  });

  it('refuses a patch outside the image when it is bound to a shape', () => {
    const parameters = badnetsParameters.parse({ size: 0.16, position: { top: 25, left: 0 } });
    expect(() => patchTrigger(parameters, GREY)).toThrow(
      expect.objectContaining({ kind: 'input', hint: 'top can be 0 to 24, left 0 to 24.' }),
    );
    expect(patchTrigger(parameters, RGB).stampAt).toBe('native');
    const tall = badnetsParameters.parse({ size: 1 });
    expect(() => patchTrigger(tall, { height: 8, width: 9, channels: 1 })).toThrow(/does not fit/);
  });
});

describe('as the programs of the paper’s authors', () => {
  const at = (parameters: object, shape: ImageShape) => {
    const image = { ...shape, pixels: new Uint8Array(bytesPerImage(shape)).fill(9) };
    patchTrigger(badnetsParameters.parse({ size: 0.1, ...parameters }), shape).apply(image, Rng.of(1));
    return image.pixels;
  };

  it('swapped axes: top-right and bottom-left exchange places, exact pixels too', () => {
    const swapped = (position: unknown) => at({ position, axes: 'swapped' }, RGB);
    expect(swapped('top-right')).toEqual(at({ position: 'bottom-left' }, RGB));
    expect(swapped('bottom-left')).toEqual(at({ position: 'top-right' }, RGB));
    expect(swapped({ top: 3, left: 9 })).toEqual(at({ position: { top: 9, left: 3 } }, RGB));
    for (const position of ['top-left', 'middle', 'bottom-right', 'random', { top: 4, left: 4 }]) {
      expect(badnetsParameters.parse({ size: 0.1, position, axes: 'swapped' })).toEqual(
        badnetsParameters.parse({ size: 0.1, position }),
      );
      expect(swapped(position)).toEqual(at({ position }, RGB));
    }
  });

  it('onGrey: black makes green black on grey images, and leaves white, black and RGB images alone', () => {
    const black = (color: string, shape: ImageShape) => at({ color, onGrey: 'black' }, shape);
    expect(black('green', GREY)).toEqual(at({ color: 'black' }, GREY));
    expect(black('green', GREY)).not.toEqual(at({ color: 'green' }, GREY));
    expect(black('green', RGB)).toEqual(at({ color: 'green' }, RGB));
    for (const color of ['white', 'black', '#808080']) {
      expect(badnetsParameters.parse({ size: 0.1, color, onGrey: 'black' })).not.toHaveProperty('onGrey');
    }
  });
});
