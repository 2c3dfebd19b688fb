import { describe, expect, it } from 'vitest';
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { memorySource } from '../data/dataset.ts';
import { findSharedImages } from './duplicates.ts';

const GREY = { height: 28, width: 28, channels: 1 } as const;
const COLOUR = { height: 40, width: 32, channels: 3 } as const;

/** Smooth random pictures: sums of a few waves, so that they have structure to compare. */
function pictures(shape: ImageShape, count: number, stream: string): Uint8Array[] {
  const rng = Rng.of(0, stream);
  return Array.from({ length: count }, () => {
    const waves = Array.from({ length: 6 }, () => [
      rng.normal(),
      rng.normal(),
      6 * rng.uniform(),
      20 + 20 * rng.uniform(),
    ]);
    const pixels = new Uint8Array(bytesPerImage(shape));
    for (let i = 0; i < pixels.length; i++) {
      const at = Math.floor(i / shape.channels);
      const [y, x] = [Math.floor(at / shape.width) / 5, (at % shape.width) / 5];
      const value = waves.reduce((sum, [a, b, phase, size]) => sum + size * Math.sin(a * x + b * y + phase), 128);
      pixels[i] = Math.max(0, Math.min(255, value + 5 * (i % shape.channels)));
    }
    return pixels;
  });
}

function source(shape: ImageShape, images: readonly Uint8Array[], labels?: readonly number[]) {
  return memorySource(shape, Buffer.concat(images), Uint16Array.from(labels ?? images.map((_, i) => i % 10)));
}

describe.each([
  ['grey', GREY],
  ['colour', COLOUR],
] as const)('findSharedImages, %s', (_, shape) => {
  const train = pictures(shape, 600, 'train');
  const fresh = pictures(shape, 200, 'test');

  it('finds nothing in different images', () => {
    expect(findSharedImages({ train: source(shape, train), test: source(shape, fresh) })).toEqual({
      exact: [],
      relabelled: 0,
      near: [],
    });
  });

  it('finds the very same pixels, and says where the label is another', () => {
    const test = [fresh[0], train[17], fresh[1], train[300], train[17]];
    const shared = findSharedImages({
      train: source(shape, train),
      test: source(shape, test, [0, 17 % 10, 1, 9, 17 % 10]),
    });
    expect(shared.exact).toEqual([
      { test: 1, train: 17 },
      { test: 3, train: 300 },
      { test: 4, train: 17 },
    ]);
    expect(shared.relabelled).toBe(1);
    expect(shared.near).toEqual([]);
  });

  it('finds images that were brightened or stored with loss', () => {
    const rng = Rng.of(1, 'loss');
    const brighter = train[5].map((level) => Math.min(255, Math.round(0.9 * level + 20)));
    const noisy = train[6].map((level) => Math.max(0, Math.min(255, level + rng.int(-3, 3))));
    const shared = findSharedImages({ train: source(shape, train), test: source(shape, [fresh[0], brighter, noisy]) });
    expect(shared.exact).toEqual([]);
    expect(shared.near).toEqual([
      { test: 1, train: 5 },
      { test: 2, train: 6 },
    ]);
  });
});

it('does not take pictures without contrast for one another', () => {
  const flat = [10, 90, 200].map((level) => new Uint8Array(784).fill(level));
  const shared = findSharedImages({ train: source(GREY, flat.slice(0, 2)), test: source(GREY, flat.slice(2)) });
  expect(shared.near).toEqual([]);
});
