// Adaptive average pooling and its gradient in ONNX Runtime against stored results of PyTorch.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { normError, runInEngine } from '../../../test/interpreter/engine.ts';
import { gradients } from '../autodiff.ts';
import { Graph } from '../graph.ts';
import { adaptiveAveragePool } from './adaptive-average-pool.ts';
import { mul } from './mul.ts';
import { reduceSum } from './reduce-sum.ts';

interface Case {
  /** Height and width of the input, height and width of the output. */
  readonly size: readonly [number, number, number, number];
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** The gradient is that of the sum of y times these. */
  readonly weight: readonly number[];
  readonly dx: readonly number[];
}

const file = new URL('../../../test/fixtures/torch-train/adaptive-pool.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] };
const CHANNELS = 2;

describe('adaptive average pooling, against PyTorch', () => {
  it.each(cases.map((one) => [one.size.join(' '), one] as const))('%s', async (_, { size, x, y, weight, dx }) => {
    const [h, w, height, width] = size;
    const graph = new Graph();
    const input = graph.input('x', 'float32', ['N', CHANNELS, h, w]);
    const pooled = adaptiveAveragePool(input, height, width);
    expect(pooled.shape).toEqual(['N', CHANNELS, height, width]);
    const factors = graph.input('weight', 'float32', ['N', CHANNELS, height, width]);
    const [slope] = gradients(reduceSum(mul(pooled, factors), [], false), [input]);
    graph.output('y', pooled);
    if (slope) graph.output('dx', slope);
    // Two images alike: nothing may leak from one into the other.
    const twice = (values: readonly number[], sides: readonly number[]) => ({
      shape: [2, CHANNELS, ...sides],
      data: Float64Array.from([...values, ...values]),
    });
    const out = await runInEngine(graph, { x: twice(x, [h, w]), weight: twice(weight, [height, width]) });
    expect(out.y.shape).toEqual([2, CHANNELS, height, width]);
    expect(normError(out.y.data as Float32Array, [...y, ...y])).toBeLessThan(1e-5);
    expect(normError(out.dx.data as Float32Array, [...dx, ...dx])).toBeLessThan(1e-5);
  });

  it('has cases for one map and for more pixels than there are', () => {
    expect(cases.map(({ size }) => size)).toContainEqual([1, 1, 6, 6]);
    expect(cases.map(({ size }) => size)).toContainEqual([7, 7, 1, 1]);
  });

  it('needs to know the size of the map', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N', 1, 'H', 4]);
    expect(() => adaptiveAveragePool(x, 2, 2)).toThrow(/pooled dimension.*"H"/);
  });
});
