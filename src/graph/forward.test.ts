// Every op over random shapes: ONNX Runtime in float32 agrees with the float64 interpreter, and both with shape inference.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NdArray } from '../../test/interpreter/array.ts';
import { differentiableCases, named, type OpCase, otherCases, prepare } from '../../test/interpreter/cases/index.ts';
import { relativeError, runInEngine } from '../../test/interpreter/engine.ts';
import { evaluate, interpretedOps } from '../../test/interpreter/index.ts';
import { gradients } from './autodiff.ts';
import type { Dim, Value } from './graph.ts';
import { add } from './ops/add.ts';
import { opTypes } from './ops/index.ts';
import { mul } from './ops/mul.ts';
import { reduceSum } from './ops/reduce-sum.ts';
import { productOf } from './shapes.ts';

const TOLERANCE = 1e-5;
const BACKWARD_TOLERANCE = 5e-5;
const seen = new Set<string>();

/** The size of a dimension when the batch is known; undefined for dimensions that only the run can tell. */
function sizeOfDim(dim: Dim, batch: number): number | undefined {
  const { size, names } = productOf([dim]);
  return names.every((name) => name === 'N') ? size * batch ** names.length : undefined;
}

function checkShape(value: Value, actual: readonly number[], batch: number, symbolic: boolean): void {
  const inferred = value.shape.map((dim) => sizeOfDim(dim, batch));
  if (!symbolic) expect(value.shape, `inferred shape of ${value.name}`).toEqual(actual);
  expect(inferred.length, `inferred rank of ${value.name}`).toBe(actual.length);
  inferred.forEach((size, axis) => {
    if (size !== undefined) expect(size, `inferred dimension ${axis} of ${value.name}`).toBe(actual[axis]);
  });
}

/** Runs forward and backward passes in the engine and the interpreter. */
async function agree(opCase: OpCase, seed: number, symbolic: boolean, backward: boolean): Promise<void> {
  const { graph, inputs, outputs, feeds, batch } = prepare(opCase, seed, symbolic);
  outputs.forEach((value, i) => {
    graph.output(`y${i}`, value);
  });
  if (backward) {
    const wrt = inputs.filter((_, i) => opCase.inputs[i].wrt);
    // A loss whose gradient differs from element to element.
    const terms = outputs.map((value) => reduceSum(mul(value, mul(value, value)), [], false));
    gradients(terms.reduce(add), wrt).forEach((gradient, i) => {
      if (gradient) graph.output(`d${i}`, gradient);
    });
  }
  for (const node of graph.nodes) seen.add(node.op);
  const expected = evaluate(graph, feeds);
  const actual = await runInEngine(graph, feeds);
  for (const [name, value] of graph.outputs) {
    const reference = expected.get(value) as NdArray;
    expect(actual[name].dtype, `element type of ${name}`).toBe(value.dtype);
    expect(actual[name].shape, `shape of ${name}`).toEqual(reference.shape);
    checkShape(value, reference.shape, batch, symbolic);
    const error = relativeError(Array.from(actual[name].data as ArrayLike<number | bigint>, Number), reference.data);
    expect(error, `${name} of ${opCase.label}`).toBeLessThan(name.startsWith('d') ? BACKWARD_TOLERANCE : TOLERANCE);
  }
}

describe('ONNX Runtime against the float64 interpreter', () => {
  it.each(named(differentiableCases))('%s, and its backward pass', async (_, { cases }) => {
    const property = fc.asyncProperty(cases, fc.nat(1e6), fc.boolean(), (opCase, seed, symbolic) =>
      agree(opCase, seed, symbolic, true),
    );
    await fc.assert(property, { numRuns: 25, seed: 1 });
  });

  it.each(named(otherCases))('%s', async (_, { cases }) => {
    const property = fc.asyncProperty(cases, fc.nat(1e6), fc.boolean(), (opCase, seed, symbolic) =>
      agree(opCase, seed, symbolic, false),
    );
    await fc.assert(property, { numRuns: 25, seed: 1 });
  });

  it('has met every op that the graph knows, and the interpreter runs each', () => {
    expect([...seen].sort()).toEqual([...opTypes].sort());
    expect([...interpretedOps].sort()).toEqual([...opTypes].sort());
  });
});
