import { describe, expect, it } from 'vitest';
import { runInEngine } from '../../test/interpreter/engine.ts';
import { float32 } from '../core/tensor.ts';
import { copyInto } from './copy.ts';
import { graphFingerprint } from './fingerprint.ts';
import { Graph, type Value } from './graph.ts';
import { add } from './ops/add.ts';
import { gemm } from './ops/gemm.ts';
import { mul } from './ops/mul.ts';
import { relu } from './ops/relu.ts';

function network(name = 'hidden', factor = 3) {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N', 2]);
  const bias = graph.input('bias', 'float32', [2]);
  const hidden = graph.scoped(name, () =>
    relu(gemm(x, graph.constant(float32([2, 2], [1, 2, factor, 4]), `${name}.weight`), undefined, { transB: true })),
  );
  const y = add(mul(hidden, hidden), bias);
  return { graph, x, bias, hidden, y };
}

describe('copyInto', () => {
  it('copies what is behind a value, and stops at what takes the place of others', async () => {
    const { graph, hidden, y, bias } = network();
    graph.output('y', y);
    const rest = new Graph();
    const features = rest.input('features', 'float32', ['N', 2]);
    const known = new Map<Value, Value>([[hidden, features]]);
    const [copy, copiedBias] = copyInto(rest, [y, bias], known);
    rest.output('y', copy);
    expect(rest.inputs.map(({ name }) => name)).toEqual(['features', 'bias']);
    expect(rest.constants).toHaveLength(0);
    expect(copiedBias.graph).toBe(rest);
    const front = new Graph();
    front.output('features', copyInto(front, [hidden], new Map())[0]);
    expect(front.inputs.map(({ name }) => name)).toEqual(['x']);
    const feeds = {
      x: { shape: [2, 2], data: Float64Array.of(1, -2, 3, 4) },
      bias: { shape: [2], data: Float64Array.of(5, 6) },
    };
    const whole = await runInEngine(graph, feeds);
    const middle = await runInEngine(front, feeds);
    const data = Float64Array.from(middle.features.data as Float32Array);
    const cut = await runInEngine(rest, { ...feeds, features: { shape: [2, 2], data } });
    expect(cut.y.data).toEqual(whole.y.data);
  });
});

describe('graphFingerprint', () => {
  const of = ({ graph, hidden }: ReturnType<typeof network>) => {
    graph.output('features', hidden);
    return graphFingerprint(graph);
  };
  it('knows what is computed, not what it is called', () => {
    expect(of(network('other'))).toBe(of(network()));
    expect(of(network('hidden', 3.0000002))).not.toBe(of(network()));
    const { graph, x } = network();
    graph.output('features', relu(x));
    expect(graphFingerprint(graph)).not.toBe(of(network()));
  });
});
