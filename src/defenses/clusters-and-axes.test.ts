// Principal axes, two means, silhouettes and outlier scores against scikit-learn's and numpy's (test/fixtures/defenses/data.py).
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { areaUnderCurve } from '../metrics/roc.ts';
import { clustersOf } from './activation-clusters.ts';
import { centred } from './hidden-features.ts';
import { principal, projected } from './principal.ts';
import { spectralScores } from './spectral-scores.ts';
import { silhouette, twoMeans } from './two-means.ts';

interface Case {
  readonly width: number;
  readonly points: readonly number[];
  readonly singularValues: readonly number[];
  readonly firstVector: readonly number[];
  readonly reducedNorms: readonly number[];
  readonly labels: readonly number[];
  readonly inertia: number;
  readonly silhouette: number;
  readonly scores: readonly number[];
  readonly odd: number;
  readonly auc: number;
}

const path = new URL('../../test/fixtures/defenses/data.json', import.meta.url);
const cases = JSON.parse(readFileSync(path, 'utf8')) as Case[];

describe.each(cases.map((one, i) => [`case ${i}: ${one.points.length / one.width} × ${one.width}`, one] as const))(
  '%s',
  (_, given) => {
    const { width } = given;
    const features = { width, data: Float32Array.from(given.points) };
    const rows = Array.from({ length: given.points.length / width }, (_row, i) => i);

    it('has numpy’s singular values, first vector and projections', () => {
      const { points } = centred(features, rows);
      const { values, vectors } = principal(points, width, 10);
      expect(values).toHaveLength(given.singularValues.length);
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(given.singularValues[i], 6);
      });
      const dot = vectors[0].reduce((sum, value, i) => sum + value * given.firstVector[i], 0);
      expect(Math.abs(dot)).toBeCloseTo(1, 8);
      const reduced = projected(points, width, vectors);
      rows.forEach((row) => {
        const own = reduced.subarray(row * vectors.length, (row + 1) * vectors.length);
        expect(Math.hypot(...own)).toBeCloseTo(given.reducedNorms[row], 5);
      });
    });

    it('has scikit-learn’s clusters and silhouette', () => {
      const found = clustersOf(features, rows, 10, Rng.of(1, 'test'));
      expect(found.inertia).toBeCloseTo(given.inertia, 5);
      const same = rows.filter((row) => found.cluster[row] === given.labels[row]).length;
      expect([0, rows.length]).toContain(same);
      expect(found.smaller).toBe(found.cluster.reduce((a, b) => a + b, 0));
      expect(found.smaller * 2).toBeLessThanOrEqual(rows.length);
      expect(found.silhouette).toBeCloseTo(given.silhouette, 6);
    });

    it('has numpy’s outlier scores, and scikit-learn’s area under their curve', () => {
      const scores = spectralScores(features, rows);
      rows.forEach((row) => {
        expect(scores[row]).toBeCloseTo(given.scores[row], 4);
      });
      expect(areaUnderCurve(scores, (row) => row >= rows.length - given.odd)).toBeCloseTo(given.auc, 10);
    });
  },
);

describe('two means', () => {
  it('finds two lumps wherever they lie, whatever the order of the points', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 9, max: 20 }), fc.integer(), (few, many, seed) => {
        const rng = Rng.of(seed, 'lumps');
        const truth = Array.from(rng.permutation(few + many), (i) => (i < few ? 1 : 0));
        const points = Float64Array.from(truth.flatMap((lump) => [10 * lump + rng.uniform(), rng.uniform()]));
        const { cluster, smaller } = twoMeans(points, 2, rng);
        expect(Array.from(cluster)).toEqual(truth);
        expect(smaller).toBe(few);
      }),
    );
  });

  it('bears points that are all alike, and a single cluster', () => {
    const alike = new Float64Array(12).fill(3);
    const { cluster, inertia } = twoMeans(alike, 2, Rng.of(0, 'alike'));
    expect(inertia).toBe(0);
    expect(silhouette(alike, 2, cluster)).toBe(0);
    expect(silhouette(Float64Array.of(0, 0, 1, 1), 2, Uint8Array.of(0, 1))).toBe(0);
  });
});

it('the axes of nothing are none that matter', () => {
  const { values } = principal(new Float64Array(20), 4, 2);
  expect(values.every((value) => value === 0)).toBe(true);
});
