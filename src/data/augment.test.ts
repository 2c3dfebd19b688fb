import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { shiftAndMirror } from './augment.ts';

/** A stream that draws these numbers in turn. */
function drawing(...numbers: number[]): Rng {
  const rng = Rng.of(0);
  rng.int = (low, high) => {
    const value = numbers.shift() ?? Number.NaN;
    if (!(value >= low && value <= high)) throw new RangeError(`drew ${value} from [${low}, ${high}]`);
    return value;
  };
  return rng;
}

const GREY: ImageShape = { height: 3, width: 3, channels: 1 };
const shifted = (pixels: number[], shape: ImageShape, ...draws: number[]) => {
  const image = Uint8Array.from(pixels);
  shiftAndMirror(image, shape, 1, drawing(...draws));
  return [...image];
};

describe('shiftAndMirror', () => {
  const image = [1, 2, 3, 4, 5, 6, 7, 8, 9];

  it.each([
    ['nothing', [0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['mirrored', [0, 0, 1], [3, 2, 1, 6, 5, 4, 9, 8, 7]],
    ['cropped one row lower', [1, 0, 0], [4, 5, 6, 7, 8, 9, 0, 0, 0]],
    ['cropped one row higher', [-1, 0, 0], [0, 0, 0, 1, 2, 3, 4, 5, 6]],
    ['cropped one column further', [0, 1, 0], [2, 3, 0, 5, 6, 0, 8, 9, 0]],
    ['cropped, then mirrored', [0, 1, 1], [0, 3, 2, 0, 6, 5, 0, 9, 8]],
    ['both ways and mirrored', [-1, -1, 1], [0, 0, 0, 2, 1, 0, 5, 4, 0]],
  ])('%s', (_, draws, expected) => {
    expect(shifted(image, GREY, ...draws)).toEqual(expected);
  });

  it('keeps the channels of a pixel together, and treats each image by itself', () => {
    const two: ImageShape = { height: 1, width: 2, channels: 3 };
    const pixels = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
    expect(shifted(pixels, two, 0, 0, 1, 0, 1, 0)).toEqual([4, 5, 6, 1, 2, 3, 14, 15, 16, 0, 0, 0]);
  });

  it('without padding either leaves an image or mirrors it, each about half of the time', () => {
    const shape: ImageShape = { height: 2, width: 5, channels: 3 };
    const bytes = bytesPerImage(shape);
    const original = Uint8Array.from({ length: bytes }, (_, i) => i + 1);
    const pixels = Uint8Array.from({ length: 400 * bytes }, (_, i) => original[i % bytes]);
    shiftAndMirror(pixels, shape, 0, Rng.of(3));
    const kept = Array.from({ length: 400 }, (_, n) => pixels.subarray(n * bytes, (n + 1) * bytes)).filter(
      (image) => image.join() === original.join(),
    );
    expect(Math.abs(kept.length - 200)).toBeLessThan(40);
  });

  it('makes up no pixels, and does the same for the same stream', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(3), fc.uint8Array({ minLength: 24, maxLength: 24 }), (seed, pad, given) => {
        const shape: ImageShape = { height: 4, width: 6, channels: 1 };
        const [once, again] = [given.slice(), given.slice()];
        shiftAndMirror(once, shape, pad, Rng.of(seed));
        shiftAndMirror(again, shape, pad, Rng.of(seed));
        expect(once).toEqual(again);
        const known = new Set([0, ...given]);
        expect(once.every((level) => known.has(level))).toBe(true);
      }),
    );
  });
});
