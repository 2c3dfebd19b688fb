// From the bytes of an ONNX model to a checked description of it. Nothing in the file is trusted until it is here.
import { fromBinary } from '@bufbuild/protobuf';
import { inputError, messageOf, TriggerlabError } from '../../core/errors.ts';
import type { DType, Tensor } from '../../core/tensor.ts';
import type { Attribute, Attributes } from '../attributes.ts';
import type { Dim } from '../graph.ts';
import { heldToSafe } from './known.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from './onnx_pb.ts';
import { LIMITS, surveyModel } from './survey.ts';
import { decodeTensor, importedDtype, type ReadExternal } from './tensors.ts';

export interface OnnxNode {
  /** Operator name; with its domain in front (`com.microsoft::FusedConv`) unless it is ONNX's own. */
  readonly op: string;
  /** The file's name for it, or one made from op and position; unique. */
  readonly name: string;
  /** Names of values; '' where an optional input is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export interface OnnxValueInfo {
  readonly name: string;
  /** Undefined where the file does not say, or the type is not supported. */
  readonly dtype: DType | undefined;
  /** Undefined where the file does not say; dimensions that it leaves open are ''. */
  readonly shape: readonly Dim[] | undefined;
}

export interface OnnxModel {
  /** Version of ONNX's operator set that the nodes are written for. */
  readonly opset: number;
  /** Inputs that are no constants. */
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** In an order in which every node comes after those it depends on. */
  readonly nodes: readonly OnnxNode[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly producer: string;
}

/** Operator sets that are understood. */
const OPSETS = { first: 3, last: 22 };

/**
 * Reads an ONNX model. `readExternal` gives the content of tensors that lie in other files.
 * @throws TriggerlabError (input) saying what is wrong with the file.
 */
export function decodeModel(bytes: Uint8Array, readExternal?: ReadExternal): OnnxModel {
  surveyModel(bytes);
  let proto: ModelProto;
  try {
    proto = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw inputError(`the file is not an ONNX model: ${messageOf(error)}`, { cause: error });
  }
  const graph = proto.graph;
  if (!graph || graph.node.length + graph.initializer.length === 0) {
    throw inputError('the file is not an ONNX model: it has no graph', { hint: 'ONNX files usually end in .onnx.' });
  }
  const constants = constantsOf(graph, readExternal);
  const nodes = sorted(graph.node.map(describeNode), graph, constants);
  return {
    opset: opsetOf(proto),
    inputs: graph.input.filter(({ name }) => !constants.has(name)).map(describeValue),
    outputs: graph.output.map(describeValue),
    constants,
    nodes,
    metadata: Object.fromEntries(proto.metadataProps.map(({ key, value }) => [key, value])),
    producer: proto.producerName,
  };
}

function opsetOf(proto: ModelProto): number {
  const own = proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  // Files of the first format versions do not say: they are of operator set 1.
  const version = own ? Number(own.version) : 1;
  if (version < OPSETS.first || version > OPSETS.last) {
    throw inputError(`the model is written for ONNX operator set ${version}`, {
      hint: `Operator sets ${OPSETS.first} to ${OPSETS.last} are understood; the \`onnx\` package's version_converter changes it.`,
    });
  }
  return version;
}

function constantsOf(graph: GraphProto, readExternal: ReadExternal | undefined): Map<string, Tensor> {
  const constants = new Map<string, Tensor>();
  for (const proto of graph.initializer) {
    const what = `the tensor "${shortened(proto.name)}"`;
    if (proto.name === '') throw inputError('the model has a tensor without a name');
    if (constants.has(proto.name)) throw inputError(`the model has ${what} twice`);
    constants.set(proto.name, decodeTensor(proto, what, readExternal));
  }
  return constants;
}

function describeValue({ name, type }: ValueInfoProto): OnnxValueInfo {
  const declared = type?.value.case === 'tensorType' ? type.value.value : undefined;
  const shape = declared?.shape?.dim.map(({ value }): Dim => {
    if (value.case === 'dimParam') return value.value;
    const size = value.case === 'dimValue' ? Number(value.value) : 0;
    // Exporters write 0 or −1 for dimensions that they leave open.
    return Number.isSafeInteger(size) && size > 0 ? size : '';
  });
  return { name, dtype: declared ? importedDtype(declared.elemType) : undefined, shape };
}

function describeNode(proto: NodeProto, index: number): OnnxNode {
  const domain = proto.domain === '' || proto.domain === 'ai.onnx' ? '' : `${shortened(proto.domain)}::`;
  const op = `${domain}${shortened(proto.opType)}`;
  const name = shortened(proto.name) || `${proto.opType}_${index}`;
  // Without a prototype, an attribute may be called "__proto__".
  const attributes: Record<string, Attribute> = Object.create(null);
  for (const attribute of proto.attribute) {
    const value = describeAttribute(attribute, `attribute "${shortened(attribute.name)}" of ${op} "${name}"`);
    if (value !== undefined) attributes[attribute.name] = value;
  }
  return { op, name, inputs: proto.input, outputs: proto.output, attributes };
}

/** Undefined for kinds that no supported op has (graphs, lists of tensors). */
function describeAttribute(proto: AttributeProto, what: string): Attribute | undefined {
  const text = new TextDecoder();
  switch (proto.type || kindOf(proto)) {
    case AttributeType.FLOAT:
      return { float: proto.f };
    case AttributeType.INT:
      return heldToSafe(proto.i);
    case AttributeType.STRING:
      return text.decode(proto.s);
    case AttributeType.TENSOR:
      return proto.t && { tensor: decodeTensor(proto.t, what) };
    case AttributeType.FLOATS:
      return { floats: proto.floats };
    case AttributeType.INTS:
      return proto.ints.map(heldToSafe);
    case AttributeType.STRINGS:
      return { strings: proto.strings.map((value) => text.decode(value)) };
    default:
      return undefined;
  }
}

/** The kind of an attribute in files of the first format version, which do not say. */
function kindOf(proto: AttributeProto): AttributeType {
  if (proto.t) return AttributeType.TENSOR;
  if (proto.ints.length > 0) return AttributeType.INTS;
  if (proto.floats.length > 0) return AttributeType.FLOATS;
  if (proto.s.length > 0) return AttributeType.STRING;
  if (proto.f !== 0) return AttributeType.FLOAT;
  return proto.g || proto.graphs.length > 0 ? AttributeType.GRAPH : AttributeType.INT;
}

/** Nodes so ordered that inputs come first, with unique names. @throws TriggerlabError (input) for cycles and undefined values. */
function sorted(nodes: readonly OnnxNode[], graph: GraphProto, constants: ReadonlyMap<string, Tensor>): OnnxNode[] {
  if (nodes.length > LIMITS.nodes) throw inputError(`the model has more than ${LIMITS.nodes} nodes`);
  const given = new Set([...constants.keys(), ...graph.input.map(({ name }) => name)]);
  const producer = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const output of node.outputs) {
      if (output === '') continue;
      if (producer.has(output) || given.has(output)) {
        throw inputError(`the model defines the value "${shortened(output)}" twice`, {
          hint: `Again at ${node.op} "${node.name}".`,
        });
      }
      producer.set(output, i);
    }
  });
  const users: number[][] = nodes.map(() => []);
  const waiting = nodes.map((node, i) => {
    const needed = new Set<number>();
    for (const input of node.inputs) {
      if (input === '' || given.has(input)) continue;
      const from = producer.get(input);
      if (from === undefined) {
        throw inputError(`${node.op} "${node.name}" takes "${shortened(input)}", which the model does not define`);
      }
      needed.add(from);
    }
    for (const from of needed) users[from].push(i);
    return needed.size;
  });
  const missing = graph.output.find(({ name }) => !given.has(name) && !producer.has(name));
  if (missing) throw inputError(`the model's output "${shortened(missing.name)}" is not defined`);
  const order = nodes.flatMap((_, i) => (waiting[i] === 0 ? [i] : []));
  for (let at = 0; at < order.length; at++) {
    for (const user of users[order[at]]) if (--waiting[user] === 0) order.push(user);
  }
  if (order.length < nodes.length) {
    const stuck = nodes[waiting.findIndex((count) => count > 0)];
    throw inputError(`the model's nodes form a cycle, in which ${stuck.op} "${stuck.name}" lies`);
  }
  // Files list their nodes in order as a rule; that order is kept.
  const inOrder = nodes.every((node, i) => node.inputs.every((input) => (producer.get(input) ?? -1) < i));
  return uniquelyNamed(inOrder ? nodes : order.map((i) => nodes[i]));
}

function uniquelyNamed(nodes: readonly OnnxNode[]): OnnxNode[] {
  const taken = new Set<string>();
  return nodes.map((node, i) => {
    const name = taken.has(node.name) ? `${node.name}#${i}` : node.name;
    taken.add(name);
    return name === node.name ? node : { ...node, name };
  });
}

/** A name from the file as messages may show it. */
export function shortened(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters in a hostile name must not reach a terminal.
  const plain = name.slice(0, 200).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return plain.length < name.length ? `${plain}…` : plain;
}

/** Gives an error that is not for users the form of one that is: the file led to it. */
export function asInputError(error: unknown, what: string): Error {
  if (error instanceof TriggerlabError) return error;
  return inputError(`${what}: ${messageOf(error)}`, { cause: error });
}
