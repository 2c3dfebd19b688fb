// Guards run identity: a run id names its model, so a change to what the name stands for must raise NUMERICS_VERSION.
import { expect, it } from 'vitest';
import { canonicalJson, sha256Hex } from '../core/hash.ts';
import { Graph, type Shape, type Value } from '../graph/graph.ts';
import { describeArchitecture } from './architecture.ts';
import { Layers } from './layers.ts';
import { models } from './registry.ts';

/** Everything that decides a model's numbers but its weights, as text: layers, initialisers, dropout, normalisation. */
function definition(name: string): string {
  const { architecture, normalization, inputSize } = models.get(name);
  const graph = new Graph();
  const dropouts: [string, Shape, number][] = [];
  const context = {
    graph,
    batchNormMode: 'running' as const,
    parameter: (parameter: string, shape: Shape): Value => graph.input(parameter, 'float32', shape),
    buffer: (buffer: string, shape: Shape): Value => graph.input(buffer, 'float32', shape),
    updateBuffer() {},
    dropoutMask(layer: string, shape: Shape, rate: number) {
      dropouts.push([layer, shape, rate]);
      return undefined;
    },
  };
  const image = graph.input('image', 'float32', ['N', 3, inputSize, inputSize]);
  architecture.forward(new Layers(context, architecture.convInitializer), image, 10);
  const nodes = graph.nodes.map(({ op, attributes, inputs }) => [op, attributes, inputs.map((input) => input?.shape)]);
  const { parameters, buffers } = describeArchitecture(architecture, inputSize, 10);
  const { head, paperPrefix } = architecture;
  return canonicalJson({ nodes, parameters, buffers, dropouts, normalization, inputSize, head, paperPrefix });
}

it.each([
  ['resnet-mini', '8bcedf8642ecc74f'],
  ['alexnet-mini', 'ade008226ef223ed'],
])('%s is what NUMERICS_VERSION 1 says (after a change: raise src/spec/identity.ts, then this hash)', (name, hash) => {
  expect(sha256Hex(definition(name)).slice(0, 16)).toBe(hash);
});
