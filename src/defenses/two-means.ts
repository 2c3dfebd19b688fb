// Two clusters: Lloyd's algorithm with k-means++ starts, and how well they stand apart.
import type { Rng } from '../core/rng.ts';

export interface TwoClusters {
  /** 0 or 1 for each point; 1 is the smaller cluster, at equal sizes that of the last point. */
  readonly cluster: Uint8Array;
  /** Points in the smaller cluster. */
  readonly smaller: number;
  readonly centres: readonly [Float64Array, Float64Array];
  /** Sum of squared distances to the own centre. */
  readonly inertia: number;
}

const STARTS = 20;
const MAX_STEPS = 300;

/** The best of twenty starts. @param points float64 [rows, width]; at least two rows */
export function twoMeans(points: Float64Array, width: number, rng: Rng): TwoClusters {
  let best: { cluster: Uint8Array; centres: [Float64Array, Float64Array]; inertia: number } | undefined;
  for (let start = 0; start < STARTS; start++) {
    const found = lloyd(points, width, plusPlus(points, width, rng.fork('start', start)));
    if (!best || found.inertia < best.inertia) best = found;
  }
  if (!best) throw new Error('twoMeans: no start');
  const { cluster, centres, inertia } = best;
  const ones = cluster.reduce((sum, one) => sum + one, 0);
  const swap = ones * 2 > cluster.length || (ones * 2 === cluster.length && cluster[cluster.length - 1] === 0);
  return {
    cluster: swap ? cluster.map((one) => 1 - one) : cluster,
    smaller: Math.min(ones, cluster.length - ones),
    centres: swap ? [centres[1], centres[0]] : centres,
    inertia,
  };
}

function pointAt(points: Float64Array, width: number, i: number): Float64Array {
  return points.subarray(i * width, (i + 1) * width);
}

export function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j] - b[j]) ** 2;
  return sum;
}

/** The first centre is any point, the second one with a chance in proportion to its squared distance from the first. */
function plusPlus(points: Float64Array, width: number, rng: Rng): [Float64Array, Float64Array] {
  const rows = points.length / width;
  const first = pointAt(points, width, rng.int(0, rows - 1));
  const distances = Float64Array.from({ length: rows }, (_, i) => squaredDistance(first, pointAt(points, width, i)));
  const total = distances.reduce((sum, value) => sum + value, 0);
  let left = rng.uniform() * total;
  const second = distances.findIndex((distance) => {
    left -= distance;
    return left < 0;
  });
  return [first.slice(), pointAt(points, width, second < 0 ? rows - 1 : second).slice()];
}

function lloyd(points: Float64Array, width: number, centres: [Float64Array, Float64Array]) {
  const rows = points.length / width;
  const cluster = new Uint8Array(rows);
  let inertia = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    let changed = step === 0;
    inertia = 0;
    for (let i = 0; i < rows; i++) {
      const [near, far] = centres.map((centre) => squaredDistance(centre, pointAt(points, width, i)));
      const own = far < near ? 1 : 0;
      changed ||= own !== cluster[i];
      cluster[i] = own;
      inertia += Math.min(near, far);
    }
    if (!changed) break;
    for (const c of [0, 1] as const) {
      const members = Array.from(cluster.keys()).filter((i) => cluster[i] === c);
      if (members.length === 0) continue;
      const centre = new Float64Array(width);
      for (const i of members) for (let j = 0; j < width; j++) centre[j] += points[i * width + j] / members.length;
      centres[c] = centre;
    }
  }
  return { cluster, centres, inertia };
}

/**
 * Mean silhouette in [-1, 1] (Rousseeuw 1987) of two clusters, Euclidean: (b - a) / max(a, b) with a a point's mean distance to its own
 * cluster and b that to the other; 0 for a point alone in its cluster, and where there is but one cluster.
 */
export function silhouette(points: Float64Array, width: number, cluster: Uint8Array): number {
  const rows = cluster.length;
  const sizes = [0, 0];
  for (const c of cluster) sizes[c]++;
  if (sizes[0] === 0 || sizes[1] === 0) return 0;
  const sums = new Float64Array(2 * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      const distance = Math.sqrt(squaredDistance(pointAt(points, width, i), pointAt(points, width, j)));
      sums[2 * i + cluster[j]] += distance;
      sums[2 * j + cluster[i]] += distance;
    }
  }
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const own = cluster[i];
    if (sizes[own] === 1) continue;
    const [a, b] = [sums[2 * i + own] / (sizes[own] - 1), sums[2 * i + 1 - own] / sizes[1 - own]];
    if (Math.max(a, b) > 0) total += (b - a) / Math.max(a, b);
  }
  return total / rows;
}
