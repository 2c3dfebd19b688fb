// Reference definitions of reductions, ArgMax and the softmax family.
import type { Node } from '../../src/graph/graph.ts';
import { axisOf, eachIndex, flatIndex, type Kernel, type NdArray, need, numbers, zeros } from './array.ts';

/** Groups the elements by their index off `axes`; returns the groups' shape with and without the reduced axes. */
function groups(x: NdArray, axes: readonly number[], keep: boolean) {
  const kept = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const members = Array.from(zeros(kept).data, (): number[] => []);
  eachIndex(x.shape, (index, flat) => {
    const group = index.map((place, axis) => (axes.includes(axis) ? 0 : place));
    members[flatIndex(kept, group)].push(flat);
  });
  return { members, shape: keep ? kept : kept.filter((_, axis) => !axes.includes(axis)) };
}

function axesOf(node: Node, x: NdArray, axesIn: NdArray | undefined): number[] {
  const given = numbers(axesIn) ?? node.ints('axes') ?? [];
  if (given.length === 0) return node.int('noop_with_empty_axes', 0) ? [] : x.shape.map((_, axis) => axis);
  return given.map((axis) => axisOf(axis, x.shape.length));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const reduction =
  (f: (values: number[]) => number): Kernel =>
  ([xIn, axesIn], node) => {
    const x = need(xIn);
    const { members, shape } = groups(x, axesOf(node, x, axesIn), node.int('keepdims', 1) === 1);
    return [{ shape, data: Float64Array.from(members, (group) => f(group.map((flat) => x.data[flat]))) }];
  };

const argMax: Kernel = ([xIn], node) => {
  const x = need(xIn);
  const { members, shape } = groups(x, [axisOf(node.int('axis', 0), x.shape.length)], node.int('keepdims', 1) === 1);
  const first = (group: number[]) => {
    const values = group.map((flat) => x.data[flat]);
    return values.indexOf(Math.max(...values));
  };
  return [{ shape, data: Float64Array.from(members, first) }];
};

const softmaxLike =
  (f: (x: number, logSum: number) => number): Kernel =>
  ([xIn], node) => {
    const x = need(xIn);
    const data = new Float64Array(x.data.length);
    for (const group of groups(x, [axisOf(node.int('axis', -1), x.shape.length)], true).members) {
      const top = Math.max(...group.map((flat) => x.data[flat]));
      const logSum = top + Math.log(sum(group.map((flat) => Math.exp(x.data[flat] - top))));
      for (const flat of group) data[flat] = f(x.data[flat], logSum);
    }
    return [{ shape: x.shape, data }];
  };

export const reductions: Record<string, Kernel> = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction((values) => sum(values) / values.length),
  ReduceMax: reduction((values) => Math.max(...values)),
  ReduceSumSquare: reduction((values) => sum(values.map((value) => value * value))),
  ArgMax: argMax,
  Softmax: softmaxLike((x, logSum) => Math.exp(x - logSum)),
  LogSoftmax: softmaxLike((x, logSum) => x - logSum),
};
