import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import type { Dataset, ImageSource } from './dataset.ts';
import { datasetFingerprint } from './fingerprint.ts';
import { datasets } from './registry.ts';
import { drawShape, OUTLINES, SIDE } from './shape-drawing.ts';
import { shapes } from './shapes.ts';

describe('shapes', () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = await shapes.load();
  });

  it('is what its definition says, the same at every load', () => {
    expect(datasets.get('shapes')).toBe(shapes);
    expect(datasetFingerprint(dataset)).toBe(shapes.fingerprint);
    expect(dataset.train).toMatchObject({ count: 4000, height: 32, width: 32, channels: 3 });
    expect(dataset.test).toMatchObject({ count: 1000, height: 32, width: 32, channels: 3 });
    expect(dataset.classes).toHaveLength(10);
  });

  it('is balanced and shuffled', () => {
    const perClass = (source: ImageSource) => shapes.classes.map((_, c) => source.labels.filter((l) => l === c).length);
    expect(perClass(dataset.train)).toEqual(Array(10).fill(400));
    expect(perClass(dataset.test)).toEqual(Array(10).fill(100));
    expect(new Set(dataset.train.labels.slice(0, 60)).size).toBe(10);
  });

  it('can be learnt but not from raw pixels by the nearest neighbour', () => {
    const raw = nearestNeighbour(dataset, (pixels) => Float32Array.from(pixels, (level) => level / 255 - 0.5));
    const contrast = nearestNeighbour(dataset, contrastWithCorners);
    expect(raw).toBeLessThan(0.4);
    expect(contrast).toBeGreaterThan(0.8);
  });
});

describe('outlines', () => {
  const at = (name: string, u: number, v: number) => OUTLINES[name].inside(u, v);

  it('are what their names say', () => {
    expect([at('circle', 0, 0), at('circle', 0.8, 0), at('circle', 0.7, 0.7)]).toEqual([true, true, false]);
    expect([at('ring', 0, 0), at('ring', 0.7, 0), at('ring', 0, -0.7)]).toEqual([false, true, true]);
    expect([at('square', 0.65, 0.65), at('diamond', 0.65, 0.65)]).toEqual([true, false]);
    expect([at('triangle', 0, -0.9), at('triangle', 0.7, 0.4), at('triangle', 0.7, -0.4)]).toEqual([true, true, false]);
    expect([at('cross', 0.9, 0), at('cross', 0, 0.9), at('cross', 0.5, 0.5)]).toEqual([true, true, false]);
    expect([at('diamond', 0, 0.9), at('diamond', 0.9, 0)]).toEqual([true, false]);
  });

  it('star: its points and its middle are inside, the notches between are not', () => {
    for (let k = 0; k < 10; k++) {
      const angle = (k * Math.PI) / 5;
      expect(at('star', 0.9 * Math.sin(angle), -0.9 * Math.cos(angle))).toBe(k % 2 === 0);
      expect(at('star', 0.3 * Math.sin(angle), -0.3 * Math.cos(angle))).toBe(true);
    }
  });

  it('bars: three across, or three down', () => {
    const changes = (name: string, u: (t: number) => number, v: (t: number) => number) => {
      const line = Array.from({ length: 201 }, (_, i) => at(name, u(i / 100 - 1), v(i / 100 - 1)));
      return line.filter((inside, i) => i > 0 && inside !== line[i - 1]).length;
    };
    const run = (t: number) => t;
    const still = () => -0.7;
    expect(changes('horizontal-bars', still, run)).toBe(6);
    expect(changes('horizontal-bars', run, still)).toBe(2);
    expect(changes('vertical-bars', run, still)).toBe(6);
    expect(changes('checker', run, still)).toBeGreaterThanOrEqual(4);
    expect(changes('checker', still, run)).toBeGreaterThanOrEqual(4);
  });

  it('end within the reach that drawing relies on, and are drawn the same from the same stream', () => {
    for (const outline of Object.values(OUTLINES)) {
      for (let i = 0; i < 360; i++) {
        const angle = (i * Math.PI) / 180;
        expect(outline.inside(1.12 * Math.cos(angle), 1.12 * Math.sin(angle))).toBe(false);
      }
      const pixels = drawShape(outline, Rng.of(5, 'border'));
      expect(pixels).toHaveLength(SIDE * SIDE * 3);
      expect(drawShape(outline, Rng.of(5, 'border'))).toEqual(pixels);
      expect(drawShape(outline, Rng.of(6, 'border'))).not.toEqual(pixels);
    }
  });
});

/** Accuracy of the nearest of 2,000 training pictures (by cosine of the features) for 100 test pictures. */
function nearestNeighbour(dataset: Dataset, features: (pixels: Uint8Array) => Float32Array): number {
  const known = Array.from({ length: 2000 }, (_, row) => unit(features(dataset.train.read([row]))));
  let right = 0;
  for (let row = 0; row < 100; row++) {
    const probe = unit(features(dataset.test.read([row])));
    const likeness = known.map((other) => dot(other, probe));
    const best = likeness.indexOf(Math.max(...likeness));
    if (dataset.train.labels[best] === dataset.test.labels[row]) right++;
  }
  return right / 100;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function unit(values: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(values, values));
  return values.map((value) => value / norm);
}

/** Distance of each pixel from the mean colour of the four corners. */
function contrastWithCorners(pixels: Uint8Array): Float32Array {
  const corners = [0, SIDE - 1, SIDE * (SIDE - 1), SIDE * SIDE - 1];
  const ground = [0, 1, 2].map((c) => corners.reduce((sum, at) => sum + pixels[3 * at + c] / 4, 0));
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) =>
    Math.hypot(...ground.map((level, c) => pixels[3 * i + c] - level)),
  );
}
