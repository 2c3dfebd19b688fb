// Small ONNX files written message by message, so that tests can make wrong ones.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from '../../src/graph/onnx/onnx_pb.ts';

export type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
export type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
type ValueInit = MessageInitShape<typeof ValueInfoProtoSchema>;

export interface GraphInit {
  readonly name?: string;
  readonly input?: ValueInit[];
  readonly output?: ValueInit[];
  readonly initializer?: TensorInit[];
  readonly node?: NodeInit[];
}

export const floatInput = (name: string, dims: readonly (number | string)[], elemType = 1): ValueInit => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType,
        shape: {
          dim: dims.map((dim) => ({
            value:
              typeof dim === 'number'
                ? { case: 'dimValue' as const, value: BigInt(dim) }
                : { case: 'dimParam' as const, value: dim },
          })),
        },
      },
    },
  },
});

export const floats = (name: string, dims: readonly number[], values?: readonly number[]): TensorInit => ({
  name,
  dims: dims.map(BigInt),
  dataType: 1,
  floatData: values
    ? [...values]
    : Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1) / 4),
});

export const node = (
  opType: string,
  input: string[],
  output: string[],
  attributes: NodeInit['attribute'] = [],
): NodeInit => ({
  opType,
  input,
  output,
  name: `${opType}-${output[0] ?? ''}`,
  attribute: attributes,
});

export const intAttribute = (name: string, i: number) => ({ name, type: AttributeType.INT, i: BigInt(i) });
export const intsAttribute = (name: string, ints: readonly number[]) => ({
  name,
  type: AttributeType.INTS,
  ints: ints.map(BigInt),
});

/** A convolution, ReLU, pooling and a dense head of three classes on [N, 3, 8, 8]; `change` makes another of it. */
export function tinyGraph(change: Partial<GraphInit> = {}): GraphInit {
  return {
    name: 'tiny',
    input: [floatInput('x', ['N', 3, 8, 8])],
    output: [floatInput('y', ['N', 3])],
    initializer: [floats('c.weight', [4, 3, 3, 3]), floats('fc.weight', [3, 4]), floats('fc.bias', [3])],
    node: [
      node(
        'Conv',
        ['x', 'c.weight'],
        ['a'],
        [intsAttribute('kernel_shape', [3, 3]), intsAttribute('pads', [1, 1, 1, 1])],
      ),
      node('Relu', ['a'], ['b']),
      node('MaxPool', ['b'], ['m'], [intsAttribute('kernel_shape', [2, 2]), intsAttribute('strides', [2, 2])]),
      node('GlobalAveragePool', ['m'], ['c']),
      node('Flatten', ['c'], ['d']),
      node('Gemm', ['d', 'fc.weight', 'fc.bias'], ['y'], [intAttribute('transB', 1)]),
    ],
    ...change,
  };
}

/** A graph as the bytes of a model file. */
export function modelBytes(graph: GraphInit, opset = 17): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport: [{ domain: '', version: BigInt(opset) }] }),
  );
}
