// Every gradient against central differences of the forward pass, both in float64, over random shapes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NdArray } from '../../test/interpreter/array.ts';
import { filled } from '../../test/interpreter/cases/case.ts';
import { differentiableCases, named, type OpCase, prepare } from '../../test/interpreter/cases/index.ts';
import { evaluate } from '../../test/interpreter/index.ts';
import { Rng } from '../core/rng.ts';
import { gradients } from './autodiff.ts';
import type { Graph, Value } from './graph.ts';
import { add } from './ops/add.ts';
import { mul } from './ops/mul.ts';
import { reduceSum } from './ops/reduce-sum.ts';

const STEP = 1e-5;
const TOLERANCE = 1e-6;
/** Entries of one gradient that are compared; chosen at random where there are more. */
const PROBES = 30;

/** Σ weight·output with a random weight for every output element; the weights are fed. */
function weightedLoss(graph: Graph, outputs: readonly Value[], feeds: Record<string, NdArray>, seed: number): Value {
  const before = evaluate(graph, feeds, outputs);
  const terms = outputs.map((output, i) => {
    const { shape, data } = before.get(output) as NdArray;
    const weight = graph.input(`weight${i}`, 'float32', output.shape);
    feeds[weight.name] = {
      shape,
      data: filled({ kind: 'range', low: -1, high: 1 }, data.length, Rng.of(seed, 'weight'), i),
    };
    return reduceSum(mul(output, weight), [], false);
  });
  return terms.reduce(add);
}

function check(opCase: OpCase, seed: number, symbolic: boolean): void {
  const { graph, inputs, outputs, feeds } = prepare(opCase, seed, symbolic);
  const loss = weightedLoss(graph, outputs, feeds, seed);
  const wrt = inputs.filter((_, i) => opCase.inputs[i].wrt);
  const emitted = gradients(loss, wrt);
  const lossAt = () => evaluate(graph, feeds, [loss]).get(loss)?.data[0] ?? Number.NaN;
  const computed = evaluate(
    graph,
    feeds,
    emitted.filter((value) => value !== undefined),
  );
  wrt.forEach((input, i) => {
    const gradient = emitted[i];
    expect(gradient, `gradient to ${input.name}`).toBeDefined();
    const { shape, data } = computed.get(gradient as Value) as NdArray;
    const point = feeds[input.name];
    expect(shape, `shape of the gradient to ${input.name}`).toEqual(point.shape);
    const scale = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    for (const at of Rng.of(seed, 'probe').permutation(data.length).slice(0, PROBES)) {
      const centre = point.data[at];
      point.data[at] = centre + STEP;
      const above = lossAt();
      point.data[at] = centre - STEP;
      const below = lossAt();
      point.data[at] = centre;
      const slope = (above - below) / (2 * STEP);
      expect(
        Math.abs(data[at] - slope) / scale,
        `d/d${input.name}[${at}] of ${opCase.label}: ${data[at]}, not ${slope}`,
      ).toBeLessThan(TOLERANCE);
    }
  });
}

describe('emitted gradients against central differences', () => {
  it.each(named(differentiableCases))('%s', (_, { cases }) => {
    fc.assert(fc.property(cases, fc.nat(1e6), fc.boolean(), check), { numRuns: 40, seed: 2 });
  });
});
