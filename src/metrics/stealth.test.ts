// Against scikit-image and PyTorch: see test/fixtures/stealth/make.py.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { tensor } from '../core/tensor.ts';
import { Runtime } from '../runtime/node.ts';
import { featureDistances, stageDistance } from './feature-distance.ts';
import { euclideanDistance, largestDifference, peakSignalToNoise } from './image-distances.ts';
import { SSIM_WINDOW, structuralSimilarity } from './structural-similarity.ts';

interface Fixture {
  readonly images: readonly {
    readonly name: string;
    readonly shape: readonly [number, number, number];
    readonly before: number[];
    readonly after: number[];
    readonly ssim: number;
    readonly psnr: number;
    readonly l2: number;
    readonly linf: number;
  }[];
  readonly stage: {
    readonly shape: number[];
    readonly one: number[];
    readonly two: number[];
    readonly distance: number[];
  };
}
const fixture = JSON.parse(readFileSync('test/fixtures/stealth/stealth.json', 'utf8')) as Fixture;
const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

describe('image distances', () => {
  it.each(fixture.images)('$name: as scikit-image', ({ shape, before, after, ssim, psnr, l2, linf }) => {
    const [height, width, channels] = shape;
    const levels = (values: number[]) => ({ height, width, channels, values: Uint8Array.from(values) });
    expect(structuralSimilarity(levels(before), levels(after))).toBeCloseTo(ssim, 10);
    expect(peakSignalToNoise(before, after)).toBeCloseTo(psnr, 10);
    expect(euclideanDistance(before, after)).toBeCloseTo(l2, 9);
    expect(largestDifference(before, after)).toBe(linf);
  });

  it('equal images: no distance, an infinite ratio, a similarity of 1', () => {
    const side = fc.integer({ min: SSIM_WINDOW, max: 16 });
    fc.assert(
      fc.property(side, side, fc.constantFrom(1, 3), fc.integer(), (height, width, channels, seed) => {
        const rng = Rng.of(seed);
        const values = Uint8Array.from({ length: height * width * channels }, () => rng.int(0, 255));
        const levels = { height, width, channels, values };
        expect(structuralSimilarity(levels, levels)).toBeCloseTo(1, 12);
        expect(peakSignalToNoise(values, values)).toBe(Number.POSITIVE_INFINITY);
        expect([largestDifference(values, values), euclideanDistance(values, values)]).toEqual([0, 0]);
      }),
      { numRuns: 20 },
    );
  });

  it('refuse what cannot be compared', () => {
    const small = { height: 10, width: 30, channels: 1, values: new Uint8Array(300) };
    expect(() => structuralSimilarity(small, small)).toThrow('less than the window of 11');
    expect(() => structuralSimilarity(small, { ...small, channels: 3 })).toThrow('differ in shape');
    for (const metric of [largestDifference, euclideanDistance, peakSignalToNoise]) {
      expect(() => metric([], [])).toThrow(RangeError);
      expect(() => metric([1], [1, 2])).toThrow('1 and 2 values');
    }
  });
});

describe('the distance in features', () => {
  it('of one stage is that of PyTorch, also where all channels are 0', () => {
    const { shape, one, two, distance } = fixture.stage;
    const of = (values: number[]) => tensor('float32', shape, Float32Array.from(values));
    for (const [i, expected] of distance.entries()) {
      expect(stageDistance(of(one), of(two), i)).toBeCloseTo(expected, 6);
    }
  });

  it.each([28, 32, 40])('at %i pixels: 0 for equal images, more for more noise, whatever the batch', async (side) => {
    const rng = Rng.of(3, 'noise');
    const count = 3;
    const length = count * 3 * side * side;
    const clean = Float32Array.from({ length }, (_, i) => 0.5 + 0.4 * Math.sin(i / 7));
    const noise = Float32Array.from({ length }, () => rng.normal());
    const noisy = (by: number) =>
      tensor(
        'float32',
        [count, 3, side, side],
        clean.map((value, i) => value + by * noise[i]),
      );
    const at = (by: number) => featureDistances(runtime, noisy(0), noisy(by));
    expect(await at(0)).toEqual([0, 0, 0]);
    const [little, more] = [await at(0.02), await at(0.1)];
    little.forEach((distance, i) => {
      expect(distance).toBeGreaterThan(0);
      expect(more[i]).toBeGreaterThan(distance);
    });
    const single = tensor('float32', [1, 3, side, side], clean.slice(0, length / count));
    const after = tensor('float32', [1, 3, side, side], (noisy(0.1).data as Float32Array).slice(0, length / count));
    expect((await featureDistances(runtime, single, after))[0]).toBeCloseTo(more[0], 5);
  });
});
