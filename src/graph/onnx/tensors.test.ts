// Every form in which ONNX files hold numbers.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { TensorProtoSchema } from './onnx_pb.ts';
import { decodeTensor } from './tensors.ts';

const decode = (init: MessageInitShape<typeof TensorProtoSchema>) => {
  const { dtype, shape, data } = decodeTensor(create(TensorProtoSchema, init), 'the tensor "t"');
  return { dtype, shape, values: Array.from(data as ArrayLike<number | bigint>, Number) };
};
const raw = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const dims = [3n];
const shape = [3];

it.each([
  ['FLOAT', 1, raw(Float32Array.of(1.5, -2, 0)), 'float32', [1.5, -2, 0]],
  ['UINT8', 2, Uint8Array.of(1, 2, 255), 'uint8', [1, 2, 255]],
  ['INT8', 3, Uint8Array.of(1, 128, 255), 'int32', [1, -128, -1]],
  ['UINT16', 4, raw(Uint16Array.of(1, 2, 65535)), 'int32', [1, 2, 65535]],
  ['INT16', 5, raw(Int16Array.of(1, -2, -32768)), 'int32', [1, -2, -32768]],
  ['INT32', 6, raw(Int32Array.of(1, -2, 2 ** 31 - 1)), 'int32', [1, -2, 2 ** 31 - 1]],
  ['INT64', 7, raw(BigInt64Array.of(1n, -2n, 2n ** 40n)), 'int64', [1, -2, 2 ** 40]],
  ['BOOL', 9, Uint8Array.of(0, 1, 7), 'bool', [0, 1, 1]],
  ['FLOAT16', 10, raw(Uint16Array.of(0x3c00, 0xc100, 0x0001)), 'float32', [1, -2.5, 2 ** -24]],
  ['DOUBLE', 11, raw(Float64Array.of(1.5, -2, 0)), 'float32', [1.5, -2, 0]],
  ['UINT32', 12, raw(Uint32Array.of(1, 2, 2 ** 32 - 1)), 'int64', [1, 2, 2 ** 32 - 1]],
  ['BFLOAT16', 16, raw(Uint16Array.of(0x3f80, 0xc020, 0)), 'float32', [1, -2.5, 0]],
])('%s in raw_data', (_, dataType, rawData, dtype, values) => {
  expect(decode({ dims, dataType, rawData })).toEqual({ dtype, shape, values });
});

it.each([
  ['float_data', { dataType: 1, floatData: [1.5, -2, 0] }, 'float32', [1.5, -2, 0]],
  ['int32_data', { dataType: 6, int32Data: [1, -2, 3] }, 'int32', [1, -2, 3]],
  ['int32_data as FLOAT16', { dataType: 10, int32Data: [0x3c00, 0xc100, 0x7c00] }, 'float32', [1, -2.5, Infinity]],
  ['int32_data as BFLOAT16', { dataType: 16, int32Data: [0x3f80, 0xc020, 0] }, 'float32', [1, -2.5, 0]],
  ['int32_data as INT8', { dataType: 3, int32Data: [1, -2, 3] }, 'int32', [1, -2, 3]],
  ['int64_data', { dataType: 7, int64Data: [1n, -2n, 3n] }, 'int64', [1, -2, 3]],
  ['double_data', { dataType: 11, doubleData: [1.5, -2, 0] }, 'float32', [1.5, -2, 0]],
])('%s', (_, init, dtype, values) => {
  expect(decode({ dims, ...init })).toEqual({ dtype, shape, values });
});

it('scalars and empty tensors', () => {
  expect(decode({ dims: [], dataType: 1, floatData: [7] })).toEqual({ dtype: 'float32', shape: [], values: [7] });
  expect(decode({ dims: [0n], dataType: 1 })).toEqual({ dtype: 'float32', shape: [0], values: [] });
});

it.each([
  ['too many bytes', { dims, dataType: 1, rawData: new Uint8Array(13) }, /13 bytes of FLOAT/],
  ['too few elements', { dims, dataType: 1, floatData: [1] }, /1 elements/],
  ['a type that is not supported', { dims, dataType: 17, rawData: new Uint8Array(3) }, /element type 17/],
  ['a negative dimension', { dims: [-1n], dataType: 1 }, /dimension of -1/],
  ['too many elements', { dims: [2n ** 31n], dataType: 2 }, /more than/],
  ['too many dimensions', { dims: new Array<bigint>(17).fill(1n), dataType: 1 }, /17 dimensions/],
])('refuses %s', (_, init, message) => {
  expect(() => decode(init)).toThrow(
    expect.objectContaining({ kind: 'input', message: expect.stringMatching(message) }),
  );
});
