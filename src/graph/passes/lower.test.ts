import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normError, runInEngine } from '../../../test/interpreter/engine.ts';
import { evaluate, type NdArray } from '../../../test/interpreter/index.ts';
import { Rng } from '../../core/rng.ts';
import { float32, sizeOf } from '../../core/tensor.ts';
import { gradients } from '../autodiff.ts';
import { Graph, type Node, type Value } from '../graph.ts';
import { conv } from '../ops/conv.ts';
import { reduceSum } from '../ops/reduce-sum.ts';
import { relu } from '../ops/relu.ts';
import { winogradConv } from '../ops/winograd.ts';
import { lowered } from './lower.ts';

function random(shape: readonly number[], seed: number): NdArray {
  const rng = Rng.of(seed, 'lower');
  return { shape, data: Float64Array.from({ length: sizeOf(shape) }, () => rng.bits() / 2 ** 31) };
}

const weights = (shape: readonly number[], seed: number) => float32(shape, [...random(shape, seed).data]);

const pad = fc.nat(2);
const geometry = fc.record({
  height: fc.integer({ min: 2, max: 40 }),
  width: fc.integer({ min: 2, max: 12 }),
  pads: fc.tuple(pad, pad, pad, pad),
  batch: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 3 }),
  outputs: fc.integer({ min: 1, max: 3 }),
});

describe('winogradConv', () => {
  it('is a convolution, for all sizes and paddings', () => {
    const property = fc.property(geometry, ({ height, width, pads, batch, inputs, outputs }) => {
      fc.pre(height + pads[0] + pads[2] >= 3 && width + pads[1] + pads[3] >= 3);
      const graph = new Graph();
      const x = graph.input('x', 'float32', ['N', inputs, height, width]);
      const w = graph.constant(weights([outputs, inputs, 3, 3], 1));
      const direct = conv(x, w, undefined, { pads });
      const tiled = winogradConv(x, w, pads);
      expect(tiled.shape).toEqual(direct.shape);
      const values = evaluate(graph, { x: random([batch, inputs, height, width], 2) }, [direct, tiled]);
      const [expected, actual] = [values.get(direct) as NdArray, values.get(tiled) as NdArray];
      expect(actual.shape).toEqual(expected.shape);
      // The factors are float32 numbers.
      expect(normError(actual.data, expected.data)).toBeLessThan(1e-6);
    });
    fc.assert(property, { numRuns: 40, seed: 1 });
  });

  it('loses few digits in float32', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N', 256, 8, 8]);
    graph.output('y', winogradConv(x, graph.constant(weights([16, 256, 3, 3], 1)), [1, 1, 1, 1]));
    const feeds = { x: random([2, 256, 8, 8], 2) };
    const expected = evaluate(graph, feeds).get(graph.outputs.get('y') as Value) as NdArray;
    const { y } = await runInEngine(graph, feeds);
    expect(normError(y.data as Float32Array, expected.data)).toBeLessThan(2e-6);
  });
});

/** Convolutions that depend on a graph input: those of constants alone are done when the graph is loaded. */
const imageConvolutions = (graph: Graph): Node[] =>
  graph.nodes.filter(({ op, inputs }) => op === 'Conv' && inputs[0]?.shape.includes('N'));

describe('lowered', () => {
  const wide = (channels: number, trained: boolean, batchOnly = false) => {
    const graph = new Graph('wide');
    const x = graph.input('x', 'float32', ['N', channels, ...(batchOnly ? ['H', 'W'] : [8, 8])]);
    const shape = [channels, channels, 3, 3];
    const w = trained ? graph.input('w', 'float32', shape) : graph.constant(weights(shape, 1), 'w');
    const b = graph.constant(weights([channels], 3), 'b');
    graph.output('y', relu(conv(x, w, b, { pads: 1 })));
    return graph;
  };

  it('replaces wide frozen 3×3 convolutions, with their bias', () => {
    const graph = wide(160, false);
    const other = lowered(graph);
    expect(imageConvolutions(other)).toEqual([]);
    expect([...other.outputs.keys()]).toEqual(['y']);
    const feeds = { x: random([1, 160, 8, 8], 2) };
    const [expected, actual] = [graph, other].map(
      (g) => evaluate(g, feeds).get(g.outputs.get('y') as Value) as NdArray,
    );
    expect(actual.shape).toEqual(expected.shape);
    expect(normError(actual.data, expected.data)).toBeLessThan(1e-6);
  });

  it('replaces the convolution by which a gradient goes back', () => {
    const graph = wide(160, false);
    const [x] = graph.inputs;
    const [y] = graph.outputs.values();
    const [dx] = gradients(reduceSum(y, [], false), [x]);
    graph.output('dx', dx as Value);
    expect(imageConvolutions(graph)).toHaveLength(2);
    expect(imageConvolutions(lowered(graph))).toEqual([]);
  });

  it.each([
    ['narrow', wide(32, false)],
    ['trained', wide(160, true)],
    ['of unknown size', wide(160, false, true)],
  ])('leaves a graph alone whose convolution is %s', (_, graph) => {
    expect(lowered(graph)).toBe(graph);
  });
});
