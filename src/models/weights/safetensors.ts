// The safetensors format: a JSON header of bounded size, then raw little-endian tensors. Nothing in it can execute.
import { inputError, messageOf } from '../../core/errors.ts';
import { type DType, sizeOf, type Tensor, type TensorData } from '../../core/tensor.ts';

const NAMES: Partial<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  int64: 'I64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
};
const ARRAYS: Record<string, { dtype: DType; bytes: number; make(buffer: ArrayBuffer): TensorData[DType] }> = {
  F32: { dtype: 'float32', bytes: 4, make: (b) => new Float32Array(b) },
  F64: { dtype: 'float64', bytes: 8, make: (b) => new Float64Array(b) },
  I64: { dtype: 'int64', bytes: 8, make: (b) => new BigInt64Array(b) },
  I32: { dtype: 'int32', bytes: 4, make: (b) => new Int32Array(b) },
  U8: { dtype: 'uint8', bytes: 1, make: (b) => new Uint8Array(b) },
  BOOL: { dtype: 'bool', bytes: 1, make: (b) => new Uint8Array(b) },
};
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

export interface Safetensors {
  readonly tensors: Record<string, Tensor>;
  readonly metadata: Record<string, string>;
}

/** Tensors as safetensors bytes, in name order, so that equal tensors give equal bytes. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const names = Object.keys(tensors).sort();
  // Without a prototype, a tensor may be called "__proto__".
  const header: Record<string, unknown> = Object.create(null);
  header.__metadata__ = metadata;
  let offset = 0;
  for (const name of names) {
    const { dtype, shape, data } = tensors[name];
    header[name] = { dtype: NAMES[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const text = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  text.set(json);
  const bytes = new Uint8Array(8 + text.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const name of names) {
    const { data } = tensors[name];
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** Reads safetensors bytes. @throws TriggerlabError (input) when they are not a well-formed file; `what` names it. */
export function decodeSafetensors(bytes: Uint8Array, what: string): Safetensors {
  const broken = (why: string) =>
    inputError(`${what} is not a valid safetensors file: ${why}`, { hint: 'Download or export the file again.' });
  if (bytes.length < 8) throw broken(`only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getBigUint64(0, true);
  if (headerBytes > MAX_HEADER_BYTES || 8n + headerBytes > bytes.length)
    throw broken(`a header of ${headerBytes} bytes`);
  const start = 8 + Number(headerBytes);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (error) {
    throw broken(`its header is not JSON (${messageOf(error)})`);
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header))
    throw broken('its header is not a JSON object');
  const places = new Map<string, Place>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = isStringMap(entry) ? entry : {};
      continue;
    }
    const place = readEntry(entry, bytes.length - start);
    if (typeof place === 'string') throw broken(`tensor "${name.slice(0, 100)}" ${place}`);
    places.set(name, place);
  }
  let end = 0;
  for (const { from, to } of [...places.values()].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) throw broken('its tensors overlap or leave gaps');
    end = to;
  }
  if (start + end !== bytes.length) throw broken(`${bytes.length - start - end} bytes belong to no tensor`);
  const tensors: Record<string, Tensor> = Object.create(null);
  for (const [name, { kind, shape, from, to }] of places) {
    const copy = new Uint8Array(bytes.subarray(start + from, start + to));
    tensors[name] = { dtype: kind.dtype, shape, data: kind.make(copy.buffer) };
  }
  return { tensors, metadata };
}

/** A tensor's element type and shape, and where it lies in the data after the header. */
interface Place {
  readonly kind: (typeof ARRAYS)[string];
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

function readEntry(entry: unknown, dataBytes: number): Place | string {
  if (entry === null || typeof entry !== 'object') return 'has no description';
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (typeof dtype !== 'string') return 'has no element type';
  if (!Object.hasOwn(ARRAYS, dtype)) return `has element type "${dtype.slice(0, 20)}"`;
  const kind = ARRAYS[dtype];
  if (!isNaturals(shape) || shape.length > 16) return 'has no shape';
  if (!isNaturals(offsets) || offsets.length !== 2) return 'has no place in the file';
  const [from, to] = offsets;
  const length = sizeOf(shape) * kind.bytes;
  if (!Number.isSafeInteger(length) || to - from !== length || to > dataBytes) {
    return `lies outside the file or does not fill its shape [${shape}]`;
  }
  return { kind, shape, from, to };
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isStringMap(value: unknown): value is Record<string, string> {
  return value !== null && typeof value === 'object' && Object.values(value).every((item) => typeof item === 'string');
}
