import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { augmentation, drawFor, rotate, shiftAndMirror } from './augment.ts';
import { NEUTRAL_AUGMENTATION } from './augmentation-fields.ts';

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

describe('augmentation', () => {
  const RGB: ImageShape = { height: 8, width: 8, channels: 3 };
  const batch = (count: number) => Uint8Array.from({ length: count * 192 }, (_, i) => (37 * (i % 192)) % 251);
  const images = (pixels: Uint8Array, bytes = 192) =>
    Array.from({ length: pixels.length / bytes }, (_, i) => pixels.subarray(i * bytes, (i + 1) * bytes).join());

  it('is none where nothing has an effect', () => {
    expect(augmentation(undefined, RGB, 8)).toBeUndefined();
    expect(augmentation({ cropProbability: 0.5, rotationProbability: 0.1, draw: 'batch' }, RGB, 8)).toBeUndefined();
  });

  it('draws for each image, or once for a batch; the same for the same stream', () => {
    const spec = { crop: 3, rotation: 20, flip: 0.5, resizedCrop: 0.3 } as const;
    const apply = (draw: 'image' | 'batch') => augmentation({ ...spec, draw }, RGB, 8)?.apply(batch(12), Rng.of(5));
    const [single, again, common] = [apply('image'), apply('image'), apply('batch')] as Uint8Array[];
    expect(single).toEqual(again);
    expect(new Set(images(single)).size).toBe(12);
    expect(new Set(images(common)).size).toBe(1);
    expect(images(common)[0]).not.toBe(images(batch(1))[0]);
  });

  it('happens as often as its chance says', () => {
    const flips = augmentation({ flip: 0.25 }, RGB, 8)?.apply(batch(800), Rng.of(2)) as Uint8Array;
    const flipped = images(flips).filter((image) => image !== images(batch(1))[0]).length;
    expect(Math.abs(flipped - 200)).toBeLessThan(50);
    const moves = augmentation({ crop: 200, cropProbability: 0.8 }, RGB, 8)?.apply(batch(800), Rng.of(2)) as Uint8Array;
    const moved = images(moves).filter((image) => image !== images(batch(1))[0]).length;
    expect(Math.abs(moved - 640)).toBeLessThan(50);
  });

  it('a random part is resized to the input, and lies where torchvision would let it lie', () => {
    const grey: ImageShape = { height: 40, width: 50, channels: 1 };
    const made = augmentation({ resizedCrop: 0.08 }, grey, 16);
    expect([made?.shape, made?.atInputSize]).toEqual([{ height: 16, width: 16, channels: 1 }, true]);
    expect(made?.apply(new Uint8Array(3 * 2000).fill(77), Rng.of(1))).toEqual(new Uint8Array(3 * 256).fill(77));
    const spec = { ...NEUTRAL_AUGMENTATION, resizedCrop: 0.08 };
    const parts = Array.from({ length: 2000 }, (_, i) => drawFor(spec, grey, Rng.of(3, i)).part);
    for (const part of parts) {
      if (!part) throw new Error('no part');
      const { top, left, height, width } = part;
      expect(top >= 0 && left >= 0 && top + height <= 40 && left + width <= 50).toBe(true);
      expect(height * width).toBeGreaterThan(0.08 * 2000 * 0.85);
      expect(Math.abs(Math.log(width / height))).toBeLessThan(Math.log(4 / 3) + 0.12);
    }
    const share = parts.reduce((sum, part) => sum + ((part?.height ?? 0) * (part?.width ?? 0)) / 2000, 0) / 2000;
    // Below the middle of 0.08 to 1, as the largest rarely fit: torchvision's get_params gives 0.460 (20,000 draws).
    expect(Math.abs(share - 0.46)).toBeLessThan(0.02);
  });

  it('turns counter-clockwise: a quarter is exact', () => {
    const pixels = Uint8Array.from({ length: 27 }, (_, i) => 9 * i);
    const image = { height: 3, width: 3, channels: 3 as const, pixels };
    const quarter = rotate(image, 90).pixels;
    const at = (data: Uint8Array, y: number, x: number) => [...data.subarray((3 * y + x) * 3, (3 * y + x) * 3 + 3)];
    for (let y = 0; y < 3; y++) for (let x = 0; x < 3; x++) expect(at(quarter, y, x)).toEqual(at(pixels, x, 2 - y));
    expect(rotate(rotate(rotate(rotate(image, 90), 90), 90), 90).pixels).toEqual(pixels);
  });
});
