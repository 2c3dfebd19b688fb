// Graphs as ONNX bytes: what is written, what is left out, and that nothing is lost on the way back.
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { float32, int64, type Tensor, tensor } from '../../core/tensor.ts';
import { openSession } from '../../runtime/node.ts';
import { type Attributes, float } from '../attributes.ts';
import { gradients } from '../autodiff.ts';
import { Graph, type OpDefinition, type Value } from '../graph.ts';
import { liveNodes } from '../live-nodes.ts';
import { add } from '../ops/add.ts';
import { clip } from '../ops/clip.ts';
import { conv } from '../ops/conv.ts';
import { exp } from '../ops/exp.ts';
import { maxPool } from '../ops/max-pool.ts';
import { mul } from '../ops/mul.ts';
import { reduceSum } from '../ops/reduce-sum.ts';
import { relu } from '../ops/relu.ts';
import { encodeModel, IR_VERSION, OPSET_VERSION } from './encode.ts';
import { AttributeProto_AttributeType as Kind, type ModelProto, ModelProtoSchema } from './onnx_pb.ts';

const decode = (graph: Graph): ModelProto => fromBinary(ModelProtoSchema, encodeModel(graph));

async function run(graph: Graph, x: Tensor): Promise<Record<string, Tensor>> {
  const session = await openSession(encodeModel(graph), { threads: 1 });
  const results = await session.run({ x });
  await session.release();
  return results;
}

/** A small network with a backward pass. */
function network(): Graph {
  const graph = new Graph('network');
  const x = graph.input('x', 'float32', ['N', 1, 6, 6]);
  const w = graph.constant(float32([2, 1, 3, 3], new Float32Array(18).fill(0.1)), 'w');
  const y = graph.scoped('features', () => maxPool(relu(conv(x, w, undefined, { pads: 1 })), 3, { strides: 2 }));
  graph.output('y', y);
  graph.output('dx', gradients(reduceSum(mul(y, y), [], false), [x])[0] as Value);
  return graph;
}

describe('encodeModel', () => {
  it('writes inputs, outputs, nodes, constants and versions', () => {
    const model = fromBinary(ModelProtoSchema, encodeModel(network(), { metadata: { seed: '7' } }));
    expect(model.irVersion).toBe(BigInt(IR_VERSION));
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', BigInt(OPSET_VERSION)]]);
    expect(model.metadataProps.map(({ key, value }) => [key, value])).toEqual([['seed', '7']]);
    const [input] = model.graph?.input ?? [];
    expect(input.name).toBe('x');
    const dims = input.type?.value.value?.shape?.dim.map((dim) => dim.value.value);
    expect(dims).toEqual(['N', 1n, 6n, 6n]);
    expect(model.graph?.output.map(({ name }) => name)).toEqual(['y', 'dx']);
    const ops = model.graph?.node.map(({ opType }) => opType) ?? [];
    expect(ops.slice(0, 3)).toEqual(['Conv', 'Relu', 'MaxPool']);
    expect(model.graph?.node[0].name).toBe('features/Conv');
    const weights = model.graph?.initializer.find(({ name }) => name === 'w');
    expect(weights?.dims).toEqual([2n, 1n, 3n, 3n]);
    const bytes = Uint8Array.from(weights?.rawData ?? []);
    expect(Array.from(new Float32Array(bytes.buffer))).toEqual(Array(18).fill(Math.fround(0.1)));
  });

  it('gives the same bytes for the same graph, and comes back from them unchanged', () => {
    const bytes = encodeModel(network());
    expect(encodeModel(network())).toEqual(bytes);
    expect(toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes))).toEqual(bytes);
  });

  it('keeps fields that the schema does not list', () => {
    const graph = network();
    // Field 20 of a model (training_info), 25 of it (functions): length-delimited and unknown to the schema.
    const unknown = Uint8Array.of(0xa2, 0x01, 0x00, 0xca, 0x01, 0x00);
    const bytes = Uint8Array.of(...encodeModel(graph), ...unknown);
    const back = toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes));
    expect(back).toEqual(bytes);
  });

  it('names every value and node once', () => {
    const graph = new Graph();
    let x = graph.input('x', 'float32', [2]);
    for (let i = 0; i < 5; i++) x = graph.scoped('block', () => exp(add(x, graph.constant(float32([2], [i, 1])))));
    graph.output('y', x);
    const { node = [], initializer = [], input = [] } = decode(graph).graph ?? {};
    const values = [...node.flatMap(({ output }) => output), ...[...initializer, ...input].map(({ name }) => name)];
    expect(new Set(values).size).toBe(values.length);
    expect(new Set(node.map(({ name }) => name)).size).toBe(node.length);
    expect(node.map(({ name }) => name).slice(0, 3)).toEqual(['block/Add', 'block/Exp', 'block/Add_1']);
  });

  it('writes every kind of attribute', () => {
    const graph = new Graph();
    const inner = new Graph('inner');
    inner.output('z', inner.constant(float32([1], [1])));
    const attributes: Attributes = {
      int: -3,
      ints: [1, -2],
      float: float(0.5),
      floats: { floats: [0.25, 2] },
      string: 'é',
      strings: { strings: ['a', 'b'] },
      tensor: { tensor: int64([2], [5, -6]) },
      graph: { graph: inner },
    };
    const Any: OpDefinition = { type: 'Any', infer: () => [{ dtype: 'float32', shape: [] }] };
    graph.output('y', graph.add(Any, [], attributes, { domain: 'test' })[0]);
    const [node] = decode(graph).graph?.node ?? [];
    expect(node.domain).toBe('test');
    const of = (name: string) => node.attribute.find((attribute) => attribute.name === name);
    const text = new TextDecoder();
    expect([of('int')?.type, of('int')?.i]).toEqual([Kind.INT, -3n]);
    expect([of('ints')?.type, of('ints')?.ints]).toEqual([Kind.INTS, [1n, -2n]]);
    expect([of('float')?.type, of('float')?.f]).toEqual([Kind.FLOAT, 0.5]);
    expect([of('floats')?.type, of('floats')?.floats]).toEqual([Kind.FLOATS, [0.25, 2]]);
    expect([of('string')?.type, text.decode(of('string')?.s)]).toEqual([Kind.STRING, 'é']);
    expect([of('strings')?.type, of('strings')?.strings.map((s) => text.decode(s))]).toEqual([
      Kind.STRINGS,
      ['a', 'b'],
    ]);
    expect([of('tensor')?.type, of('tensor')?.t?.dims]).toEqual([Kind.TENSOR, [2n]]);
    expect([of('graph')?.type, of('graph')?.g?.name]).toEqual([Kind.GRAPH, 'inner']);
  });

  it('leaves out nodes and constants that no output depends on', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const spare = graph.input('spare', 'float32', [2]);
    graph.output('y', exp(x));
    mul(spare, graph.constant(float32([2], [3, 4]), 'unused'));
    expect(liveNodes(graph).map((node) => node.op)).toEqual(['Exp']);
    const written = decode(graph).graph;
    expect(written?.node.map(({ opType }) => opType)).toEqual(['Exp']);
    expect(written?.initializer).toEqual([]);
    // Inputs stay: they are the model's signature.
    expect(written?.input.map(({ name }) => name)).toEqual(['x', 'spare']);
  });

  it('gives outputs that are inputs, constants, or one value twice', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const y = exp(x);
    graph.output('same', x);
    graph.output('fixed', graph.constant(float32([2], [3, 4])));
    graph.output('y', y);
    graph.output('again', y);
    graph.output('next', add(y, y));
    const results = await run(graph, float32([2], [0, 1]));
    expect(Array.from(results.same.data as Float32Array)).toEqual([0, 1]);
    expect(Array.from(results.fixed.data as Float32Array)).toEqual([3, 4]);
    expect(results.again.data).toEqual(results.y.data);
    expect(results.next.data[0]).toBe(2);
  });

  it('writes absent optional inputs as empty names', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [3]);
    graph.output('y', clip(x, undefined, 1));
    expect(decode(graph).graph?.node[0].input).toEqual(['x', '', 'const']);
    const results = await run(graph, float32([3], [-5, 0, 5]));
    expect(Array.from(results.y.data as Float32Array)).toEqual([-5, 0, 1]);
  });

  it('writes constants of every element type, also views into larger buffers', async () => {
    const graph = new Graph();
    graph.input('x', 'float32', [1]);
    const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const constants: Record<string, Tensor> = {
      float32: tensor('float32', [2], view),
      float64: tensor('float64', [2], Float64Array.of(1, 2)),
      int64: tensor('int64', [2], BigInt64Array.of(1n, 2n)),
      int32: tensor('int32', [2], Int32Array.of(1, 2)),
      uint8: tensor('uint8', [2], Uint8Array.of(1, 2)),
      bool: tensor('bool', [2], Uint8Array.of(1, 0)),
    };
    for (const [name, content] of Object.entries(constants)) graph.output(name, graph.constant(content));
    const results = await run(graph, float32([1], [0]));
    for (const [name, { dtype, data }] of Object.entries(constants)) {
      expect(results[name].dtype).toBe(dtype);
      expect(Array.from(results[name].data as Float32Array), name).toEqual(Array.from(data as Float32Array));
    }
  });

  it('refuses a graph without outputs and outputs named like another value', () => {
    const graph = new Graph('empty');
    const x = graph.input('x', 'float32', [2]);
    expect(() => encodeModel(graph)).toThrow('graph "empty" has no outputs');
    graph.output('x', exp(x));
    expect(() => encodeModel(graph)).toThrow('graph output "x": another value has this name');
  });
});
