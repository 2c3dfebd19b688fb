import { expect, test } from 'vitest';
import { gradients } from '../graph/autodiff.ts';
import { Graph } from '../graph/graph.ts';
import { conv } from '../graph/ops/conv.ts';
import { flatten } from '../graph/ops/flatten.ts';
import { gemm } from '../graph/ops/gemm.ts';
import { matMul } from '../graph/ops/mat-mul.ts';
import { reduceSum } from '../graph/ops/reduce-sum.ts';
import { multiplyAdds } from './multiply-adds.ts';

test('counts a convolution and a dense layer per image', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N', 3, 32, 32]);
  const y = conv(x, graph.input('w', 'float32', [16, 3, 3, 3]), undefined, { strides: 2, pads: 1 });
  graph.output('y', gemm(flatten(y), graph.input('v', 'float32', [10, 16 * 16 * 16]), undefined, { transB: true }));
  const once = 16 * 16 * 16 * 27 + 10 * 16 * 16 * 16;
  expect(multiplyAdds(graph, 1)).toBe(once);
  expect(multiplyAdds(graph, 128)).toBe(128 * once);
});

test('divides a grouped convolution by its groups', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N', 8, 4, 4]);
  graph.output('y', conv(x, graph.input('w', 'float32', [8, 1, 3, 3]), undefined, { pads: 1, group: 8 }));
  expect(multiplyAdds(graph, 2)).toBe(2 * 8 * 16 * 9);
});

test('a backward pass through a strided convolution costs as much as the forward pass, to input and to weights each', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N', 4, 8, 8]);
  const w = graph.input('w', 'float32', [6, 4, 3, 3]);
  const y = conv(x, w, undefined, { strides: 2, pads: 1 });
  const [dx, dw] = gradients(reduceSum(y, [], false), [x, w]);
  graph.output('y', y);
  const forward = multiplyAdds(graph, 5);
  if (dx) graph.output('dx', dx);
  expect(multiplyAdds(graph, 5)).toBe(2 * forward);
  if (dw) graph.output('dw', dw);
  expect(multiplyAdds(graph, 5)).toBe(3 * forward);
});

test('counts batched matrix products, and leaves out what no output needs', () => {
  const graph = new Graph();
  const a = graph.input('a', 'float32', [7, 'N', 5]);
  const b = graph.input('b', 'float32', [7, 5, 11]);
  matMul(a, b);
  graph.output('kept', matMul(a, b));
  expect(multiplyAdds(graph, 3)).toBe(7 * 3 * 5 * 11);
});

test('says when a size is not known', () => {
  const graph = new Graph();
  const a = graph.input('a', 'float32', ['rows', 5]);
  graph.output('y', matMul(a, graph.input('b', 'float32', [5, 2])));
  expect(() => multiplyAdds(graph, 1)).toThrow(/"rows" is known only at run time/);
});
