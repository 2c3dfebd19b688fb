// Batch norm in training when the mean is far larger than the deviation: float32 in the engine against float64.
import { describe, expect, it } from 'vitest';
import type { NdArray } from '../../../test/interpreter/array.ts';
import { normError, runInEngine } from '../../../test/interpreter/engine.ts';
import { evaluate } from '../../../test/interpreter/index.ts';
import { Rng } from '../../core/rng.ts';
import { gradients } from '../autodiff.ts';
import { Graph, type Value } from '../graph.ts';
import { batchNormTraining } from './batch-normalization.ts';
import { mul } from './mul.ts';
import { reduceSum } from './reduce-sum.ts';

const SHAPE = [16, 3, 8, 8];

function random(shape: readonly number[], label: string, offset = 0): NdArray {
  const rng = Rng.of(1, label);
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { shape, data: Float64Array.from({ length: count }, () => Math.fround(offset + rng.normal())) };
}

/** Relative errors of the engine's outputs for inputs with deviation 1 around `mean`. */
async function errors(mean: number): Promise<Record<string, number>> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N', ...SHAPE.slice(1)]);
  const w = graph.input('w', 'float32', ['N', ...SHAPE.slice(1)]);
  const [scale, bias, m, v] = ['scale', 'bias', 'm', 'v'].map((name) => graph.input(name, 'float32', [3]));
  const trained = batchNormTraining(x, scale, bias, { mean: m, variance: v }, 1e-5, 0.1);
  const [dx, dScale] = gradients(reduceSum(mul(trained.y, w), [], false), [x, scale]) as [Value, Value];
  const outputs = { y: trained.y, mean: trained.runningMean, variance: trained.runningVariance, dx, dScale };
  for (const [name, value] of Object.entries(outputs)) graph.output(name, value);
  const feeds = {
    x: random(SHAPE, 'x', mean),
    w: random(SHAPE, 'w'),
    scale: random([3], 'scale', 2),
    bias: random([3], 'bias'),
    m: random([3], 'm'),
    v: random([3], 'v', 4),
  };
  const [run, reference] = [await runInEngine(graph, feeds), evaluate(graph, feeds)];
  const compare = ([name, value]: [string, Value]) => [
    name,
    normError(run[name].data as Float32Array, (reference.get(value) as NdArray).data),
  ];
  return Object.fromEntries(Object.entries(outputs).map(compare));
}

describe('batchNormTraining in float32', () => {
  it.each([
    [0, 2e-6],
    // What remains is the rounding of the mean itself to float32: 6e-8 of it.
    [1e3, 2e-4],
    [1e4, 2e-3],
  ])('with a mean of %d deviations stays within %d of float64', async (mean, tolerance) => {
    const found = await errors(mean);
    for (const [name, error] of Object.entries(found)) expect(error, name).toBeLessThan(tolerance);
    // The variance does not suffer: x is centred before it is squared.
    expect(found.variance).toBeLessThan(1e-6);
  });
});
