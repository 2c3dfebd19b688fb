// Building graphs: names, shared constants, shape inference where sizes are symbolic, and errors that name the op.
import { describe, expect, it } from 'vitest';
import { float32 } from '../core/tensor.ts';
import { Graph } from './graph.ts';
import { add } from './ops/add.ts';
import { averagePool } from './ops/average-pool.ts';
import { concat } from './ops/concat.ts';
import { conv } from './ops/conv.ts';
import { flatten } from './ops/flatten.ts';
import { gemm } from './ops/gemm.ts';
import { matMul } from './ops/mat-mul.ts';
import { maxPool } from './ops/max-pool.ts';
import { reshape, reshapeLike } from './ops/reshape.ts';
import { slice } from './ops/slice.ts';
import { split } from './ops/split.ts';
import { squeeze } from './ops/squeeze.ts';
import { transpose } from './ops/transpose.ts';
import { where } from './ops/where.ts';

describe('a graph', () => {
  it('shares small unnamed constants of equal content and type, and no others', () => {
    const graph = new Graph();
    expect(graph.scalar(1)).toBe(graph.scalar(1));
    expect(graph.scalar(1)).not.toBe(graph.scalar(1, 'float64'));
    expect(graph.scalar(1)).not.toBe(graph.constant(float32([1], [1])));
    expect(graph.constant(float32([1], [1]), 'a')).not.toBe(graph.constant(float32([1], [1]), 'a'));
  });

  it('refuses names that are taken and values of another graph', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const stranger = new Graph().input('x', 'float32', [2]);
    expect(() => graph.input('x', 'float32', [2])).toThrow('graph input "x": the name is taken');
    expect(() => add(x, stranger)).toThrow('Add: value "x" belongs to another graph');
    expect(() => graph.output('y', stranger)).toThrow('belongs to another graph');
    graph.output('y', x);
    expect(() => graph.output('y', x)).toThrow('declared twice');
  });
});

describe('shape inference', () => {
  const graph = new Graph();
  const image = graph.input('image', 'float32', ['N', 3, 8, 8]);
  const open = graph.input('open', 'float32', ['N', 3, 'H', 'W']);
  const matrix = graph.input('matrix', 'float32', ['N', 6]);
  const weight = graph.constant(float32([4, 3, 3, 3], new Float32Array(108)));

  it('carries the symbolic batch through products and back', () => {
    expect(flatten(image).shape).toEqual(['N', 192]);
    expect(flatten(image, 3).shape).toEqual(['24*N', 8]);
    expect(reshape(image, [-1]).shape).toEqual(['192*N']);
    expect(reshape(reshape(image, [-1]), [-1, 3, 8, 8]).shape).toEqual(['N', 3, 8, 8]);
    expect(reshape(image, [0, -1, 16]).shape).toEqual(['N', 12, 16]);
    expect(reshapeLike(flatten(open), open).shape).toEqual(['N', 3, 'H', 'W']);
  });

  it('does not pretend to know what windows make of a symbolic height or width', () => {
    const [batch, channels, height, width] = conv(open, weight).shape;
    expect([batch, channels]).toEqual(['N', 4]);
    expect(['H', 'W', height]).not.toContain(width);
    expect(['H', 'W']).not.toContain(height);
  });

  it('leaves out a window that would start in the padding in ceil mode', () => {
    expect(maxPool(image, 1, { strides: 3, ceilMode: true }).shape).toEqual(['N', 3, 3, 3]);
    const five = graph.input('five', 'float32', ['N', 1, 5, 5]);
    expect(maxPool(five, 1, { strides: 3, ceilMode: true }).shape).toEqual(['N', 1, 2, 2]);
    expect(averagePool(five, [1, 2], { strides: [3, 2], ceilMode: true }).shape).toEqual(['N', 1, 2, 3]);
    const odd = graph.input('odd', 'float32', ['N', 1, 3, 4]);
    const options = { strides: 2, pads: [1, 1, 1, 0], ceilMode: true } as const;
    expect(averagePool(odd, 2, options).shape).toEqual(['N', 1, 2, 3]);
    expect(() => averagePool(odd, 2, { ...options, countIncludePad: true })).toThrow('would start in the padding');
  });

  it.each<[string, () => unknown]>([
    [
      'Add "Add": shapes [N,6] and [5] do not broadcast',
      () => add(matrix, graph.constant(float32([5], new Float32Array(5)))),
    ],
    ['takes 3', () => conv(graph.input('grey', 'float32', ['N', 1, 8, 8]), weight)],
    [
      'a window of 3 does not fit 2 pixels with padding 0+0',
      () => conv(graph.input('tiny', 'float32', ['N', 3, 2, 2]), weight),
    ],
    ['needs a rank-4 input', () => maxPool(matrix, 2)],
    ['inner dimensions 6 and 8 differ', () => matMul(matrix, graph.input('w1', 'float32', [8, 2]))],
    ['inner dimensions 6 and 8 differ', () => gemm(matrix, graph.input('w2', 'float32', [8, 2]))],
    ['cannot reshape [2,3] to [4,2]', () => reshape(graph.input('r', 'float32', [2, 3]), [4, 2])],
    ['cannot reshape [2,3] to [4,-1]', () => reshape(graph.input('s', 'float32', [2, 3]), [4, -1])],
    ['differ off axis 0', () => concat([matrix, graph.input('c', 'float32', ['N', 5])], 0)],
    ['do not add up to 6', () => split(matrix, [1, 2], 1)],
    ['a step is 0', () => slice(matrix, [0], [1], [1], [0])],
    [
      'dimension 0 of a sliced value must be known when the graph is built, not "N"',
      () => slice(matrix, [0], [1], [0]),
    ],
    ['axis 2 is outside a rank-2 shape', () => slice(matrix, [0], [1], [2])],
    ['is not 1', () => squeeze(matrix, [1])],
    ['does not order the axes', () => transpose(matrix, [0, 0])],
    ['the condition is float32, not bool', () => where(matrix, matrix, matrix)],
    ['inputs are float32 and int64', () => add(matrix, graph.scalar(1, 'int64'))],
    ['dilation is not supported', () => averagePool(image, 2, { dilations: 2 })],
  ])('fails with: %s', (message, build) => {
    expect(build).toThrow(message);
  });
});

it('names that are taken get the lowest number that is free', () => {
  const graph = new Graph();
  const names = ['a', 'a', 'a_3', 'a', 'a', 'a_3', 'b'].map((wish) => graph.uniqueName(wish));
  expect(names).toEqual(['a', 'a_1', 'a_3', 'a_2', 'a_4', 'a_3_1', 'b']);
});
