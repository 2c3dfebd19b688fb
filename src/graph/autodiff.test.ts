// What autodiff does between the ops: accumulation, what is reached and what is not, and errors.
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../test/interpreter/index.ts';
import { gradients } from './autodiff.ts';
import { Graph, type Value } from './graph.ts';
import { add } from './ops/add.ts';
import { argMax } from './ops/arg-max.ts';
import { BatchNormalization } from './ops/batch-normalization.ts';
import { cast } from './ops/cast.ts';
import { convTranspose } from './ops/conv-transpose.ts';
import { exp } from './ops/exp.ts';
import { greater } from './ops/greater.ts';
import { Min } from './ops/min.ts';
import { mul } from './ops/mul.ts';
import { Pad } from './ops/pad.ts';
import { reduceSum } from './ops/reduce-sum.ts';
import { reduceSumSquare } from './ops/reduce-sum-square.ts';
import { split } from './ops/split.ts';
import { tanh } from './ops/tanh.ts';
import { where } from './ops/where.ts';

const POINT = [0.5, -1, 2, 0.25];

function start() {
  const graph = new Graph();
  return { graph, x: graph.input('x', 'float32', ['N']) };
}

/** Values of emitted gradients at POINT. */
function numbers(graph: Graph, values: readonly (Value | undefined)[], point = POINT): (number[] | undefined)[] {
  const present = values.filter((value) => value !== undefined);
  const results = evaluate(graph, { x: { shape: [point.length], data: Float64Array.from(point) } }, present);
  return values.map((value) => value && Array.from(results.get(value)?.data ?? []));
}

const total = (x: Value) => reduceSum(x, [], false);

describe('gradients', () => {
  it('adds up over every use of a value', () => {
    const { graph, x } = start();
    const shared = tanh(x);
    const loss = total(add(mul(shared, shared), add(shared, mul(x, x))));
    const [dx] = numbers(graph, gradients(loss, [x]));
    POINT.forEach((value, i) => {
      const t = Math.tanh(value);
      expect(dx?.[i]).toBeCloseTo((2 * t + 1) * (1 - t * t) + 2 * value, 12);
    });
  });

  it('reaches intermediate values, the loss itself, and all of them at once', () => {
    const { graph, x } = start();
    const middle = exp(x);
    const loss = reduceSumSquare(middle, [0], false);
    const [dx, dMiddle, dLoss] = numbers(graph, gradients(loss, [x, middle, loss]));
    expect(dLoss).toEqual([1]);
    POINT.forEach((value, i) => {
      expect(dMiddle?.[i]).toBeCloseTo(2 * Math.exp(value), 12);
      expect(dx?.[i]).toBeCloseTo(2 * Math.exp(2 * value), 12);
    });
  });

  it('gives undefined where the loss does not depend on a value, or only through whole numbers and choices', () => {
    const { graph, x } = start();
    const other = graph.input('other', 'float32', ['N']);
    const counted = cast(argMax(x, 0), 'float32');
    expect(gradients(total(mul(x, x)), [other])).toEqual([undefined]);
    expect(gradients(total(counted), [x])).toEqual([undefined]);
    const chosen = where(greater(x, graph.scalar(0)), other, graph.scalar(0));
    expect(gradients(total(chosen), [x])).toEqual([undefined]);
    expect(gradients(total(x), [total(mul(x, x))])).toEqual([undefined]);
  });

  it('fills in zeros for outputs of a Split that are not used, also with a symbolic batch', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N', 4]);
    const parts = split(x, [1, 2, 1], 1);
    const [dx] = gradients(total(mul(parts[1], parts[1])), [x]) as [Value];
    const point = { x: { shape: [1, 4], data: Float64Array.from(POINT) } };
    expect(Array.from(evaluate(graph, point, [dx]).get(dx)?.data ?? [])).toEqual([0, -2, 4, 0]);
    expect(dx.shape).toEqual(['N', 4]);
  });

  it('does not emit what nobody asked for', () => {
    const { graph, x } = start();
    const w = graph.input('w', 'float32', ['N']);
    const loss = total(mul(exp(x), w));
    const before = graph.nodes.length;
    gradients(loss, [w]);
    // The sum is spread and multiplied once for w; nothing goes on to x.
    const multiplications = graph.nodes.slice(before).filter((node) => node.op === 'Mul');
    expect(multiplications.map((node) => node.inputs[1]?.producer?.op)).toEqual(['Exp']);
  });

  it('emits gradients that can be differentiated again', () => {
    const { graph, x } = start();
    const [dx] = gradients(total(mul(x, mul(x, x))), [x]) as [Value];
    const [second] = numbers(graph, gradients(total(dx), [x]));
    POINT.forEach((value, i) => {
      expect(second?.[i]).toBeCloseTo(6 * value, 12);
    });
  });

  it('names op and node where there is no gradient', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N', 1, 2, 2]);
    const w = graph.input('w', 'float32', [1, 1, 1, 1]);
    const y = graph.scoped('layer1', () => convTranspose(x, w));
    expect(() => gradients(total(y), [x])).toThrow('no gradient through op ConvTranspose ("layer1/ConvTranspose")');
  });

  it('says which variants of an op have no gradient', () => {
    const { graph, x } = start();
    const [three] = graph.add(Min, [x, x, x]);
    expect(() => gradients(total(three), [x])).toThrow('no gradient through Min of 3 inputs');
    const [reflected] = graph.add(Pad, [x, graph.vector([1, 1]), graph.scalar(0)], { mode: 'reflect' });
    expect(() => gradients(total(reflected), [x])).toThrow('no gradient through Pad with mode "reflect"');
    const image = graph.input('image', 'float32', ['N', 2, 1, 1]);
    const [a, b, mean, variance] = ['a', 'b', 'm', 'v'].map((name) => graph.input(name, 'float32', [2]));
    const [y] = graph.add(BatchNormalization, [image, a, b, mean, variance]);
    expect(() => gradients(total(y), [mean])).toThrow('no gradient to the running statistics');
  });

  it('refuses a loss whose size is not known', () => {
    const { x } = start();
    expect(() => gradients(mul(x, x), [x])).toThrow('the shape of a loss must be known');
  });
});
