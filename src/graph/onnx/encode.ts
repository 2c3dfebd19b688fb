// From our graph to the bytes of an ONNX model.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { FilePlace, Tensor } from '../../core/tensor.ts';
import type { Attribute } from '../attributes.ts';
import type { Graph, Node, Value, ValueType } from '../graph.ts';
import { capturedBy, liveNodes } from '../live-nodes.ts';
import { dtypeCode } from './dtypes.ts';
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from './onnx_pb.ts';

/** Versions of the ONNX operator set and file format that graphs are written in. */
export const OPSET_VERSION = 20;
export const IR_VERSION = 9;

export type ExternalName = (place: FilePlace) => string | undefined;

export interface EncodeOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Name under which the model may refer to a constant's file (ONNX external data); undefined: the constant is copied in. */
  readonly external?: ExternalName;
}

/** Smaller constants are not worth a reference. */
const EXTERNAL_BYTES = 1024;

/**
 * The graph as an ONNX model (opset 20). Only nodes that an output depends on are written.
 * @throws Error when the graph has no outputs, or an output bears the name of another value.
 */
export function encodeModel(graph: Graph, { metadata = {}, external }: EncodeOptions = {}): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'triggerlab',
    graph: graphProto(graph, external),
    opsetImport: [{ domain: '', version: BigInt(OPSET_VERSION) }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}

function graphProto(
  graph: Graph,
  external: ExternalName | undefined,
  outerName: (value: Value) => string = ({ name }) => name,
): MessageInitShape<typeof GraphProtoSchema> {
  if (graph.outputs.size === 0) throw new Error(`graph "${graph.name}" has no outputs`);
  const live = liveNodes(graph);
  const used = new Set(live.flatMap((node) => [...node.inputs, ...capturedBy(node)]));
  const outputNames = new Map([...graph.outputs].map(([name, value]) => [value, name]));
  // A value may be a graph output under several names, or be an input or constant: those get an Identity node.
  const aliases = [...graph.outputs].filter(([name, value]) => !value.producer || outputNames.get(value) !== name);
  const nameOf = (value: Value): string => {
    const outer = graph.captured.get(value);
    if (outer) return outerName(outer);
    return (value.producer && outputNames.get(value)) || value.name;
  };
  const constants = graph.constants.filter((value) => used.has(value) || aliases.some(([, alias]) => alias === value));
  const defined = [...graph.inputs, ...constants, ...live.flatMap((node) => node.outputs)].map(nameOf);
  checkUnique([...defined, ...aliases.map(([name]) => name)]);
  return {
    name: graph.name,
    node: [
      ...live.map((node) => nodeProto(node, nameOf, external)),
      ...aliases.map(([name, value]) => ({
        opType: 'Identity',
        name: `output/${name}`,
        input: [nameOf(value)],
        output: [name],
      })),
    ],
    initializer: constants.map(({ constant, name }) => ({
      ...(externalProto(constant as Tensor, external) ?? tensorProto(constant as Tensor)),
      name,
    })),
    input: graph.inputs.map((value) => valueInfo(value.name, value)),
    output: [...graph.outputs].map(([name, value]) => valueInfo(name, value)),
  };
}

function checkUnique(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new Error(`graph output "${name}": another value has this name`);
    seen.add(name);
  }
}

function nodeProto(
  node: Node,
  nameOf: (value: Value) => string,
  external: ExternalName | undefined,
): MessageInitShape<typeof NodeProtoSchema> {
  return {
    opType: node.op,
    name: node.name,
    domain: node.domain,
    input: node.inputs.map((input) => (input ? nameOf(input) : '')),
    output: node.outputs.map(nameOf),
    attribute: Object.entries(node.attributes).map(([name, value]) => ({
      name,
      ...attributeProto(value, external, nameOf),
    })),
  };
}

function attributeProto(
  value: Attribute,
  external: ExternalName | undefined,
  nameOf: (value: Value) => string,
): MessageInitShape<typeof AttributeProtoSchema> {
  const text = new TextEncoder();
  if (typeof value === 'number') return { type: AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string') return { type: AttributeType.STRING, s: text.encode(value) };
  if ('float' in value) return { type: AttributeType.FLOAT, f: value.float };
  if ('floats' in value) return { type: AttributeType.FLOATS, floats: [...value.floats] };
  if ('strings' in value) return { type: AttributeType.STRINGS, strings: value.strings.map((s) => text.encode(s)) };
  if ('tensor' in value) return { type: AttributeType.TENSOR, t: tensorProto(value.tensor) };
  if ('graph' in value) return { type: AttributeType.GRAPH, g: graphProto(value.graph, external, nameOf) };
  return { type: AttributeType.INTS, ints: value.map(BigInt) };
}

/** A tensor that stays in its file. */
function externalProto(
  { dtype, shape, place }: Tensor,
  external: ExternalName | undefined,
): MessageInitShape<typeof TensorProtoSchema> | undefined {
  const location = place && place.bytes >= EXTERNAL_BYTES ? external?.(place) : undefined;
  if (!place || location === undefined) return undefined;
  const entries = { location, offset: place.offset, length: place.bytes };
  return {
    dims: shape.map(BigInt),
    dataType: dtypeCode(dtype),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value: String(value) })),
  };
}

function tensorProto(content: Tensor): MessageInitShape<typeof TensorProtoSchema> {
  const { buffer, byteOffset, byteLength } = content.data;
  return {
    dims: content.shape.map(BigInt),
    dataType: dtypeCode(content.dtype),
    rawData: new Uint8Array(buffer, byteOffset, byteLength),
  };
}

function valueInfo(name: string, type: ValueType): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = type.shape.map((size) => ({
    value:
      typeof size === 'number'
        ? ({ case: 'dimValue', value: BigInt(size) } as const)
        : ({ case: 'dimParam', value: size } as const),
  }));
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: dtypeCode(type.dtype), shape: { dim } } } },
  };
}
