import { describe, expect, it } from 'vitest';
import type { Image, ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { stampImages } from './stamp.ts';
import { wanet, wanetParameters } from './wanet.ts';
import { noiseGrid, randomField, warp, warpGrid } from './warp.ts';

const SHAPE = { height: 16, width: 16, channels: 3 } as const;
const context = (seed: number) => ({ seed, dataset: 'x', runtime: () => expect.fail('no network is needed') });
const make = async (parameters: object = {}, seed = 1, shape: ImageShape = SHAPE) =>
  wanet.create(wanetParameters.parse(parameters), shape, context(seed));

/** A smooth picture: the warp is to be faint on such. */
function picture(shape: ImageShape = SHAPE): Image {
  const { height, width, channels } = shape;
  const pixels = Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return 128 + 60 * Math.sin(x / 3 + (i % channels)) + 60 * Math.cos(y / 4);
  });
  return { ...shape, pixels };
}

describe('wanet', () => {
  it('has the published defaults', () => {
    expect(wanetParameters.parse({})).toEqual({
      k: 4,
      s: 0.5,
      gridRescale: 1,
      crossRatio: 2,
      noisePixels: 'own',
      stampAt: 'native',
    });
  });

  it('is the warp of the run’s field, rounded to whole levels', async () => {
    const image = picture();
    const field = randomField(4, Rng.of(7, 'wanet', 'field'));
    const grid = warpGrid(field, SHAPE, { strength: 0.5, gridRescale: 1 });
    const expected = Uint8Array.from(warp(image.pixels, 3, grid), Math.round);
    await stampImages(await make({}, 7), [image], [Rng.of(0)]);
    expect(image.pixels).toEqual(expected);
    expect(image.pixels).not.toEqual(picture().pixels);
  });

  it('warps every image of a run alike, whatever its stream, and each run its own way', async () => {
    const [a, b, other] = [picture(), picture(), picture()];
    await stampImages(await make(), [a, b], [Rng.of(1), Rng.of(2)]);
    await stampImages(await make({}, 2), [other], [Rng.of(1)]);
    expect(a.pixels).toEqual(b.pixels);
    expect(a.pixels).not.toEqual(other.pixels);
  });

  it('moves more with more strength', async () => {
    const change = async (s: number) => {
      const image = picture();
      await stampImages(await make({ s }), [image], [Rng.of(0)]);
      return picture().pixels.reduce((sum, level, i) => sum + Math.abs(level - image.pixels[i]), 0);
    };
    const [weak, strong] = [await change(0.25), await change(2)];
    expect(weak).toBeGreaterThan(0);
    expect(strong).toBeGreaterThan(3 * weak);
  });

  it('has a noise form: the field and each image’s own uniform offsets', async () => {
    const { noise } = await make({ crossRatio: 1.5 }, 7);
    const [a, b, again] = [picture(), picture(), picture()];
    if (!noise) expect.fail('no noise form');
    expect(noise).toMatchObject({ perAttack: 1.5, pixels: 'own' });
    await stampImages(noise.form, [a, b, again], [Rng.of(1), Rng.of(2), Rng.of(1)]);
    const grid = warpGrid(randomField(4, Rng.of(7, 'wanet', 'field')), SHAPE, { strength: 0.5, gridRescale: 1 });
    expect(a.pixels).toEqual(Uint8Array.from(warp(picture().pixels, 3, noiseGrid(grid, Rng.of(1))), Math.round));
    expect(a.pixels).not.toEqual(b.pixels);
    expect(a.pixels).toEqual(again.pixels);
    expect((await make({ crossRatio: 0 })).noise).toBeUndefined();
  });

  it('takes grey and oblong images, and no others than it was made for', async () => {
    const shape = { height: 9, width: 12, channels: 1 } as const;
    const image = picture(shape);
    await stampImages(await make({}, 1, shape), [image], [Rng.of(0)]);
    expect(image.pixels).not.toEqual(picture(shape).pixels);
    await expect(stampImages(await make(), [image], [Rng.of(0)])).rejects.toThrow(RangeError);
  });
});
