// Tensors of ONNX files in every form they come in, as ours: all floats become float32, small integers int32.
import { inputError } from '../../core/errors.ts';
import { bfloat16Value, float16Value } from '../../core/half-floats.ts';
import { type DType, type Tensor, tensor } from '../../core/tensor.ts';
import { type TensorProto, TensorProto_DataLocation } from './onnx_pb.ts';

/** Bytes [offset, offset + length) of a file beside the model; `length` undefined means up to its end. */
export type ReadExternal = (location: string, offset: number, length: number | undefined) => Uint8Array;

/** Elements of one tensor; 2³⁰ float32 are 4 GiB. */
const MAX_ELEMENTS = 2 ** 30;
const MAX_RANK = 16;

/** Reads element i of raw little-endian bytes as a number or, for 64-bit whole numbers, a bigint. */
type Read = (view: DataView, at: number) => number | bigint;

interface Format {
  readonly name: string;
  readonly bytes: number;
  readonly dtype: DType;
  readonly read: Read;
  /** The typed field that may hold the elements instead of `raw_data`. */
  readonly field: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | undefined;
  /** Makes a number of an element of the typed field; default: it is one. */
  readonly fromField?: (value: number) => number;
}

const FORMATS: Readonly<Record<number, Format>> = {
  1: { name: 'FLOAT', bytes: 4, dtype: 'float32', read: (v, at) => v.getFloat32(at, true), field: 'floatData' },
  2: { name: 'UINT8', bytes: 1, dtype: 'uint8', read: (v, at) => v.getUint8(at), field: 'int32Data' },
  3: { name: 'INT8', bytes: 1, dtype: 'int32', read: (v, at) => v.getInt8(at), field: 'int32Data' },
  4: { name: 'UINT16', bytes: 2, dtype: 'int32', read: (v, at) => v.getUint16(at, true), field: 'int32Data' },
  5: { name: 'INT16', bytes: 2, dtype: 'int32', read: (v, at) => v.getInt16(at, true), field: 'int32Data' },
  6: { name: 'INT32', bytes: 4, dtype: 'int32', read: (v, at) => v.getInt32(at, true), field: 'int32Data' },
  7: { name: 'INT64', bytes: 8, dtype: 'int64', read: (v, at) => v.getBigInt64(at, true), field: 'int64Data' },
  9: { name: 'BOOL', bytes: 1, dtype: 'bool', read: (v, at) => (v.getUint8(at) ? 1 : 0), field: 'int32Data' },
  10: {
    name: 'FLOAT16',
    bytes: 2,
    dtype: 'float32',
    read: (v, at) => float16Value(v.getUint16(at, true)),
    field: 'int32Data',
    fromField: float16Value,
  },
  11: { name: 'DOUBLE', bytes: 8, dtype: 'float32', read: (v, at) => v.getFloat64(at, true), field: 'doubleData' },
  12: { name: 'UINT32', bytes: 4, dtype: 'int64', read: (v, at) => BigInt(v.getUint32(at, true)), field: undefined },
  16: {
    name: 'BFLOAT16',
    bytes: 2,
    dtype: 'float32',
    read: (v, at) => bfloat16Value(v.getUint16(at, true)),
    field: 'int32Data',
    fromField: bfloat16Value,
  },
};

/** Our element type for one of ONNX's; undefined for those that are not supported. */
export function importedDtype(code: number): DType | undefined {
  return FORMATS[code]?.dtype;
}

/** Dimensions as numbers. @throws TriggerlabError (input) for negative or enormous ones. */
function dimsOf(proto: TensorProto, what: string): number[] {
  const dims = proto.dims.map(Number);
  if (dims.length > MAX_RANK)
    throw inputError(`${what} has ${dims.length} dimensions`, { hint: `At most ${MAX_RANK}.` });
  let size = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw inputError(`${what} has a dimension of ${dim}`);
    size *= dim;
  }
  if (!(size <= MAX_ELEMENTS)) {
    throw inputError(`${what} has the shape [${dims.slice(0, 8)}]: more than ${MAX_ELEMENTS} elements`);
  }
  return dims;
}

/**
 * The content of a tensor. `what` is how messages call it.
 * @throws TriggerlabError (input) for element types that are not supported and content that does not fit the shape.
 */
export function decodeTensor(proto: TensorProto, what: string, readExternal?: ReadExternal): Tensor {
  const format = FORMATS[proto.dataType];
  if (!format) {
    throw inputError(`${what} has the element type ${proto.dataType}, which is not supported`, {
      hint: 'Supported: FLOAT, FLOAT16, BFLOAT16, DOUBLE, INT8 to INT64, UINT8 to UINT32, BOOL. Dequantise the model first.',
    });
  }
  const shape = dimsOf(proto, what);
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    return fromBytes(externalBytes(proto, what, count * format.bytes, readExternal), shape, count, format, what);
  }
  const given = format.field ? proto[format.field] : [];
  if (given.length > 0 || count === 0) {
    if (given.length !== count) throw misfit(what, shape, `${given.length} elements`);
    return fill(shape, count, format.dtype, (i) => {
      const value = given[i];
      return typeof value === 'bigint' || !format.fromField ? value : format.fromField(value);
    });
  }
  return fromBytes(proto.rawData, shape, count, format, what);
}

function fromBytes(bytes: Uint8Array, shape: number[], count: number, format: Format, what: string): Tensor {
  if (bytes.length !== count * format.bytes) throw misfit(what, shape, `${bytes.length} bytes of ${format.name}`);
  if (format.name === 'FLOAT') {
    const copy = new Uint8Array(bytes);
    return tensor('float32', shape, new Float32Array(copy.buffer, 0, count));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return fill(shape, count, format.dtype, (i) => format.read(view, i * format.bytes));
}

function fill(shape: number[], count: number, dtype: DType, element: (i: number) => number | bigint): Tensor {
  if (dtype === 'int64') {
    return tensor(
      dtype,
      shape,
      BigInt64Array.from({ length: count }, (_, i) => BigInt(element(i))),
    );
  }
  const data =
    dtype === 'float32' ? new Float32Array(count) : dtype === 'int32' ? new Int32Array(count) : new Uint8Array(count);
  for (let i = 0; i < count; i++) data[i] = Number(element(i));
  return tensor(dtype, shape, data);
}

function misfit(what: string, shape: readonly number[], found: string): Error {
  return inputError(`${what} has the shape [${shape}] but ${found}`, { hint: 'The file is damaged or cut short.' });
}

function externalBytes(proto: TensorProto, what: string, length: number, read: ReadExternal | undefined): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (!location) throw inputError(`${what} lies in another file, but the model does not say in which`);
  if (!read) {
    throw inputError(`${what} lies in the file "${location}", which cannot be read here`, {
      hint: 'Give the path of the model instead of its bytes, or save it as one file.',
    });
  }
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined || text === '') return undefined;
    if (!/^\d{1,15}$/.test(text)) throw inputError(`${what}: its ${key} in "${location}" is "${text.slice(0, 40)}"`);
    return Number(text);
  };
  const stated = number('length');
  if (stated !== undefined && stated !== length) {
    throw inputError(`${what} takes ${length} bytes, but the model says that "${location}" has ${stated} for it`);
  }
  return read(location, number('offset') ?? 0, length);
}
