// Guards run identity: a run id names its model, so a change to what the name stands for must raise NUMERICS_VERSION.
import { expect, it } from 'vitest';
import { canonicalJson, sha256Hex } from '../core/hash.ts';
import { Graph, type Shape, type Value } from '../graph/graph.ts';
import { describeArchitecture, type Origin } from './architecture.ts';
import { Layers } from './layers.ts';
import { models } from './registry.ts';

/** Everything that decides a model's numbers but its weights, as text: layers, initialisers, dropout, normalisation. */
function definition(name: string, origin: Origin): string {
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
  architecture.forward(new Layers(context, architecture.convInitializer), image, { classes: 10, origin });
  const operand = (value: Value | undefined) =>
    value?.constant ? Array.from(value.constant.data, String) : value?.shape;
  const nodes = graph.nodes.map(({ op, attributes, inputs }) => [op, attributes, inputs.map(operand)]);
  const { parameters, buffers } = describeArchitecture(architecture, inputSize, 10, origin);
  const { head, paperPrefix } = architecture;
  return canonicalJson({ nodes, parameters, buffers, dropouts, normalization, inputSize, head, paperPrefix });
}

/** Name, hash of the form for transfer learning, hash of the form for training from scratch. */
const DEFINITIONS = [
  ['resnet-mini', '8bcedf8642ecc74f', '8bcedf8642ecc74f'],
  ['alexnet-mini', 'ade008226ef223ed', 'ade008226ef223ed'],
  ['vgg-mini', 'd8a78e667d65180e', 'a634c824292ad5d9'],
  ['googlenet-mini', '8f62cd934fffaad3', '411f0d6d50be02cb'],
  ['alexnet', '61d10876541a448d', '61d10876541a448d'],
  ['googlenet', 'a30d3a8880f5891e', '2845a6392532442d'],
  ['vgg11', 'db87e29cf2b427d2', '6eec74d95d2731b1'],
  ['vgg11_bn', '49f7b0cba660f422', '629070aec1d95a4e'],
  ['vgg13', '7c4b14c5f53b5ed9', '3589842f943f2914'],
  ['vgg13_bn', '0815dbcbcfd1e036', 'a3b396a0ce426d34'],
  ['vgg16', '101be2e3d162cab6', 'c81480552d615afb'],
  ['vgg16_bn', '0a09ee66ebcfaa77', '3fc1b8fb686aa23a'],
  ['vgg19', '1753b3555cb43847', '041a17e471daa674'],
  ['vgg19_bn', '1c8d8a409d47a6a1', '5dd19b47e6251eaa'],
  ['resnet18', '5c079bd13a9ebd26', '5c079bd13a9ebd26'],
  ['resnet34', 'f2f42ff33fc70ece', 'f2f42ff33fc70ece'],
  ['resnet50', '7c16376abe7de53c', '7c16376abe7de53c'],
  ['resnet101', 'c3425ac490cce925', 'c3425ac490cce925'],
  ['resnet152', 'ecbdce4fefd207ba', 'ecbdce4fefd207ba'],
] as const;

it.each(DEFINITIONS)(
  '%s is what NUMERICS_VERSION 2 says (after a change: raise src/spec/identity.ts, then this hash)',
  (name, pretrained, random) => {
    const hash = (origin: Origin) => sha256Hex(definition(name, origin)).slice(0, 16);
    expect([hash('pretrained'), hash('random')]).toEqual([pretrained, random]);
  },
);

it('guards every network', () => {
  expect(DEFINITIONS.map(([name]) => name)).toEqual(models.names);
});
