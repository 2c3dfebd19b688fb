import { describe, expect, it } from 'vitest';
import { runInEngine, toArray } from '../../../test/interpreter/engine.ts';
import { evaluate, type NdArray } from '../../../test/interpreter/index.ts';
import { Rng } from '../../core/rng.ts';
import type { Graph } from '../../graph/graph.ts';
import { CLASSES, plantedImages, plantedNetwork, SIDE } from './planted.fixture.ts';
import { triggerOptimizer, triggerStep } from './trigger-step.ts';

const LANES = 2;
const IMAGES = 3;
const RATE = 0.1;
const SIZE = 4 * SIDE * SIDE;

const array = (shape: number[], data: ArrayLike<number>): NdArray => ({ shape, data: Float64Array.from(data) });

async function setting(): Promise<{ graph: Graph; feeds: Record<string, NdArray> }> {
  const network = await plantedNetwork(true);
  const rng = Rng.of(2, 'step');
  const zeros = () => array([LANES, 4, SIDE, SIDE], new Float64Array(LANES * SIZE));
  const scalars = triggerOptimizer(RATE).feed(1, RATE);
  return {
    graph: triggerStep({ network, trained: {} }, LANES, RATE),
    feeds: {
      image: array([IMAGES, SIDE, SIDE, 3], plantedImages().read([0, 1, 2])),
      theta: array(
        [LANES, 4, SIDE, SIDE],
        Array.from({ length: LANES * SIZE }, () => rng.normal()),
      ),
      ...{ 'slot/m': zeros(), 'slot/v': zeros() },
      lambda: array([LANES], [0.02, 0.3]),
      target: array([LANES], [1, 4]),
      ...{ 'scalar/scale': array([], [scalars[0]]), 'scalar/shift': array([], [scalars[1]]) },
    },
  };
}

function outputs(graph: Graph, feeds: Record<string, NdArray>): Record<string, Float64Array> {
  const found = evaluate(graph, feeds);
  return Object.fromEntries(
    [...graph.outputs].map(([name, value]) => [name, Float64Array.from(found.get(value)?.data ?? [])]),
  );
}

const changed = (theta: NdArray, at: number, by: number): NdArray => {
  const data = Float64Array.from(theta.data);
  data[at] += by;
  return { shape: theta.shape, data };
};

describe('the step graph', () => {
  it('has the gradient of CE + λ‖m‖₁, by central differences in float64', async () => {
    const { graph, feeds } = await setting();
    const total = (theta: NdArray) => {
      const { loss, norm } = outputs(graph, { ...feeds, theta });
      return loss.reduce((sum, one, i) => sum + one + feeds.lambda.data[i] * norm[i], 0);
    };
    // From empty moments the first moment, as it is carried, is the gradient.
    const slope = outputs(graph, feeds)['next/m'];
    const step = 1e-5;
    for (let probe = 0; probe < 24; probe++) {
      const at = (probe * 13 * 7) % (LANES * SIZE);
      const slopeThere = (total(changed(feeds.theta, at, step)) - total(changed(feeds.theta, at, -step))) / (2 * step);
      expect(Math.abs(slope[at] - slopeThere)).toBeLessThan(1e-7 + 1e-5 * Math.abs(slopeThere));
    }
    expect(Math.max(...slope.map(Math.abs))).toBeGreaterThan(1e-3);
  });

  it('moves θ by Adam’s first step: the learning rate against the sign of the gradient', async () => {
    const { graph, feeds } = await setting();
    const found = outputs(graph, feeds);
    found['next/theta'].forEach((value, i) => {
      const slope = found['next/m'][i];
      if (Math.abs(slope) > 1e-4) expect(feeds.theta.data[i] - value).toBeCloseTo(RATE * Math.sign(slope), 4);
    });
  });

  it('reports what it is before the update: mask, success, loss', async () => {
    const { graph, feeds } = await setting();
    const { norm, success, loss } = outputs(graph, feeds);
    const mask = Array.from(feeds.theta.data.subarray(0, SIDE * SIDE), (value) => Math.tanh(value) / 2 + 0.5);
    expect(norm[0]).toBeCloseTo(
      mask.reduce((sum, one) => sum + one, 0),
      4,
    );
    expect(Array.from(success).every((share) => [0, 1 / 3, 2 / 3, 1].some((one) => Math.abs(one - share) < 1e-9))).toBe(
      true,
    );
    expect(loss.every((one) => one > 0 && one < 50)).toBe(true);
  });

  it('keeps lanes apart', async () => {
    const { graph, feeds } = await setting();
    const before = outputs(graph, feeds);
    const after = outputs(graph, {
      ...feeds,
      theta: changed(feeds.theta, SIZE + 5, 1),
      target: array([LANES], [1, CLASSES - 1]),
    });
    for (const name of ['next/theta', 'next/m', 'next/v']) {
      expect(after[name].subarray(0, SIZE)).toEqual(before[name].subarray(0, SIZE));
      expect(after[name].subarray(SIZE)).not.toEqual(before[name].subarray(SIZE));
    }
  });

  it('is computed by the engine as by the interpreter', async () => {
    const { graph, feeds } = await setting();
    const expected = outputs(graph, feeds);
    const found = await runInEngine(graph, feeds);
    for (const name of ['norm', 'loss', 'success', 'next/m', 'next/theta']) {
      const worst = Math.max(
        ...Array.from(toArray(found[name]).data, (value, i) => Math.abs(value - expected[name][i])),
      );
      expect(worst, name).toBeLessThan(1e-3);
    }
  });
});
