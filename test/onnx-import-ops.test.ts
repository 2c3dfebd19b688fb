// Every op that can be imported, alone: ONNX Runtime on the file against ONNX Runtime on what is emitted for it.
import { expect, it } from 'vitest';
import { Rng } from '../src/core/rng.ts';
import { float32 } from '../src/core/tensor.ts';
import { Graph } from '../src/graph/graph.ts';
import { decodeModel } from '../src/graph/onnx/decode.ts';
import { encodeModel } from '../src/graph/onnx/encode.ts';
import { importedOps, replay } from '../src/graph/onnx/import.ts';
import { AttributeProto_AttributeType as AttributeType } from '../src/graph/onnx/onnx_pb.ts';
import { largestDifference, runModel } from './support/imported.ts';
import {
  floatInput,
  floats,
  intAttribute,
  intsAttribute,
  modelBytes,
  type NodeInit,
  node,
  type TensorInit,
} from './support/onnx-proto.ts';

const rng = Rng.of(4, 'ops');
const image = float32(
  [2, 4, 6, 6],
  Array.from({ length: 288 }, () => 4 * rng.uniform() - 2),
);

type Attributes = NonNullable<NodeInit['attribute']>;
const ints = (name: string, values: readonly number[]): TensorInit => ({
  ...{ name, dims: [BigInt(values.length)], dataType: 7 },
  int64Data: values.map(BigInt),
});
const scalar = (name: string, value: number): TensorInit => floats(name, [], [value]);
const real = (name: string, f: number) => ({ name, type: AttributeType.FLOAT, f });
const text = (name: string, value: string) => ({
  name,
  type: AttributeType.STRING,
  s: new TextEncoder().encode(value),
});

interface OpCase {
  readonly op: string;
  readonly attributes?: Attributes;
  readonly constants?: readonly TensorInit[];
  readonly opset?: number;
  /** Ops before it that give its input `p`, and after it that make floats of its output. */
  readonly before?: readonly NodeInit[];
  readonly after?: readonly NodeInit[];
  /** Its inputs; default `x` and the constants. */
  readonly inputs?: string[];
}

const positive = [node('Abs', ['x'], ['q']), node('Add', ['q', 'half'], ['p'])];
const half = scalar('half', 0.5);
const toFloat = [node('Cast', ['y0'], ['y'], [intAttribute('to', 1)])];
const kernel = [intsAttribute('kernel_shape', [3, 2]), intsAttribute('strides', [2, 1])];
const channelNorm = [floats('scale', [4]), floats('shift', [4])];
const reduced = (op: string): OpCase[] => [
  {
    op,
    attributes: [intsAttribute('axes', [1, -1]), intAttribute('keepdims', 0)],
    opset: op === 'ReduceSum' ? 12 : 17,
  },
  { op, constants: [ints('axes', [2])], opset: 20 },
  { op, opset: 17 },
];

const cases: readonly OpCase[] = [
  ...[
    'Relu',
    'Sigmoid',
    'Tanh',
    'Exp',
    'Neg',
    'Abs',
    'Sign',
    'Erf',
    'Identity',
    'Softsign',
    'Softplus',
    'HardSwish',
  ].map((op) => ({ op })),
  ...[
    'LeakyRelu',
    'Elu',
    'Selu',
    'HardSigmoid',
    'Mish',
    'GlobalAveragePool',
    'GlobalMaxPool',
    'Softmax',
    'LogSoftmax',
  ].map((op) => ({ op, opset: 20 })),
  ...['Log', 'Sqrt', 'Reciprocal'].map((op) => ({ op, before: positive, constants: [half], inputs: ['p'] })),
  { op: 'Gelu', opset: 20 },
  { op: 'Gelu', opset: 20, attributes: [text('approximate', 'tanh')] },
  { op: 'LeakyRelu', attributes: [real('alpha', 0.3)] },
  { op: 'Elu', attributes: [real('alpha', 1.7)] },
  { op: 'Selu', attributes: [real('alpha', 1.2), real('gamma', 0.8)] },
  { op: 'HardSigmoid', attributes: [real('alpha', 0.4), real('beta', 0.3)] },
  { op: 'PRelu', constants: [floats('slope', [4, 1, 1])] },
  { op: 'Clip', constants: [scalar('low', -0.5), scalar('high', 1)] },
  { op: 'Clip', constants: [scalar('high', 1)], inputs: ['x', '', 'high'] },
  { op: 'Dropout' },
  { op: 'Softmax', opset: 11, attributes: [intAttribute('axis', 2)] },
  { op: 'LogSoftmax', opset: 12 },
  ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'].map((op) => ({ op, constants: [floats('c', [4, 1, 1])] })),
  { op: 'Pow', before: positive, constants: [half], inputs: ['p', 'half'] },
  ...['Sum', 'Mean', 'Max', 'Min'].map((op) => ({ op, constants: [floats('c', [4, 1, 1]), floats('d', [6])] })),
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map((op) => ({
    ...{ op, constants: [half], inputs: ['x', 'half'], after: toFloat },
  })),
  {
    op: 'And',
    before: [node('Greater', ['x', 'half'], ['p']), node('Less', ['x', 'one'], ['q'])],
    ...{ constants: [half, scalar('one', 1)], inputs: ['p', 'q'], after: toFloat },
  },
  { op: 'Where', before: [node('Greater', ['x', 'half'], ['p'])], constants: [half], inputs: ['p', 'x', 'half'] },
  { op: 'Cast', attributes: [intAttribute('to', 6)], after: toFloat },
  { op: 'Conv', constants: [floats('w', [6, 2, 3, 3]), floats('b', [6])], attributes: [intAttribute('group', 2)] },
  {
    op: 'Conv',
    constants: [floats('w', [2, 4, 3, 3])],
    attributes: [intsAttribute('dilations', [2, 1]), intsAttribute('pads', [2, 0, 1, 1])],
  },
  { op: 'MaxPool', attributes: kernel },
  { op: 'MaxPool', attributes: [...kernel, intAttribute('ceil_mode', 1), intsAttribute('pads', [1, 1, 1, 0])] },
  {
    op: 'AveragePool',
    attributes: [...kernel, intAttribute('count_include_pad', 1), intsAttribute('pads', [1, 1, 1, 0])],
  },
  { op: 'AveragePool', attributes: [...kernel, text('auto_pad', 'SAME_UPPER')] },
  { op: 'BatchNormalization', constants: [...channelNorm, floats('mean', [4]), floats('var', [4], [1, 2, 0.5, 0.3])] },
  { op: 'InstanceNormalization', constants: channelNorm },
  {
    op: 'LayerNormalization',
    constants: [floats('scale', [6, 6]), floats('shift', [6, 6])],
    attributes: [intAttribute('axis', 2)],
  },
  { op: 'LRN', attributes: [intAttribute('size', 3), real('alpha', 0.5)] },
  {
    op: 'Gemm',
    before: [node('Flatten', ['x'], ['p'])],
    constants: [floats('w', [144, 3]), floats('b', [3])],
    inputs: ['p', 'w', 'b'],
    attributes: [real('alpha', 0.5), real('beta', 2)],
  },
  { op: 'MatMul', constants: [floats('w', [6, 5])] },
  { op: 'Flatten', attributes: [intAttribute('axis', 2)] },
  { op: 'Reshape', constants: [ints('to', [0, 2, -1, 6])] },
  { op: 'Transpose', attributes: [intsAttribute('perm', [0, 3, 1, 2])] },
  { op: 'Transpose' },
  { op: 'Unsqueeze', constants: [ints('axes', [1, -1])] },
  {
    op: 'Squeeze',
    before: [node('Unsqueeze', ['x', 'axes'], ['p'])],
    constants: [ints('axes', [2])],
    inputs: ['p', 'axes'],
  },
  { op: 'Concat', constants: [floats('c', [2, 3, 6, 6])], attributes: [intAttribute('axis', 1)] },
  { op: 'Slice', constants: [ints('from', [4, -5]), ints('to', [-9, 9]), ints('axes', [2, 3]), ints('by', [-2, 3])] },
  { op: 'Pad', constants: [ints('pads', [0, 0, 1, 2, 0, 1, 0, 0]), scalar('fill', 3)] },
  { op: 'Pad', constants: [ints('pads', [0, 0, 1, 2, 0, 0, 2, 1])], attributes: [text('mode', 'reflect')] },
  { op: 'Pad', constants: [ints('pads', [0, 0, 1, 2, 0, 0, 2, 1])], attributes: [text('mode', 'edge')] },
  { op: 'Gather', constants: [ints('at', [3, -4, 0])], attributes: [intAttribute('axis', 1)] },
  { op: 'Expand', constants: [ints('to', [3, 1, 4, 6, 1])] },
  { op: 'DepthToSpace', attributes: [intAttribute('blocksize', 2)] },
  { op: 'DepthToSpace', attributes: [intAttribute('blocksize', 2), text('mode', 'CRD')] },
  { op: 'SpaceToDepth', attributes: [intAttribute('blocksize', 3)] },
  {
    op: 'Resize',
    constants: [floats('scales', [4], [1, 1, 1.5, 0.5])],
    inputs: ['x', '', 'scales'],
    attributes: [text('mode', 'linear')],
  },
  {
    op: 'Resize',
    constants: [ints('sizes', [2, 4, 9, 12])],
    inputs: ['x', '', '', 'sizes'],
    attributes: [text('mode', 'cubic')],
  },
  { op: 'Upsample', opset: 9, constants: [floats('scales', [4], [1, 1, 2, 3])], attributes: [text('mode', 'linear')] },
  ...['ReduceMean', 'ReduceSum', 'ReduceSumSquare', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2'].flatMap(reduced),
  { op: 'Split', attributes: [intAttribute('axis', 2)], opset: 13 },
  // Shapes and constants feed a Reshape or Add, which give floats.
  { op: 'Shape', after: [node('Reshape', ['x', 'y0'], ['y'])], inputs: ['x'] },
  {
    op: 'Size',
    after: [node('Unsqueeze', ['y0', 'zero'], ['z']), node('Reshape', ['x', 'z'], ['y'])],
    constants: [ints('zero', [0])],
    inputs: ['x'],
  },
  {
    op: 'ReduceProd',
    before: [node('Shape', ['x'], ['p'])],
    inputs: ['p'],
    after: [node('Reshape', ['x', 'y0'], ['y'])],
    attributes: [intAttribute('keepdims', 1)],
  },
  { op: 'ConstantOfShape', inputs: ['to'], constants: [ints('to', [6, 6])], after: [node('Add', ['x', 'y0'], ['y'])] },
  { op: 'Constant', inputs: [], attributes: [real('value_float', 2.5)], after: [node('Add', ['x', 'y0'], ['y'])] },
];

function modelOf({ op, attributes = [], constants = [], before = [], after, inputs, opset = 17 }: OpCase): Uint8Array {
  const own = inputs ?? ['x', ...constants.map(({ name }) => name ?? '')];
  const outputs = op === 'Split' ? ['y', 'unused'] : [after ? 'y0' : 'y'];
  return modelBytes(
    {
      name: 'op',
      input: [floatInput('x', image.shape)],
      output: [{ name: 'y', type: { value: { case: 'tensorType', value: { elemType: 1 } } } }],
      initializer: [...constants],
      node: [...before, node(op, own, outputs, attributes), ...(after ?? [])],
    },
    opset,
  );
}

it.each(cases.map((opCase, i) => [`${opCase.op} (${i})`, opCase] as const))('%s', async (_, opCase) => {
  const bytes = modelOf(opCase);
  const graph = new Graph();
  const value = replay(decodeModel(bytes), {
    inputs: new Map([['x', graph.input('x', 'float32', image.shape)]]),
    output: 'y',
  });
  graph.output('y', value);
  const [theirs, ours] = [await runModel(bytes, image), await runModel(encodeModel(graph), image)];
  expect(ours.shape).toEqual(theirs.shape);
  expect(largestDifference(ours, theirs)).toBeLessThan(
    1e-5 * Math.max(1, ...Array.from(theirs.data, Number).map(Math.abs)),
  );
});

it('covers every op', () => {
  const covered = new Set(cases.map(({ op }) => op));
  expect(importedOps.filter((op) => !covered.has(op))).toEqual([]);
});
