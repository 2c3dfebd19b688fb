// The safetensors format: a JSON header of bounded size, then raw little-endian tensors. Nothing in it can execute.
import { inputError, messageOf, type TriggerlabError } from '../../core/errors.ts';
import { type DType, sizeOf, type Tensor } from '../../core/tensor.ts';
import { ELEMENT_TYPES, type ElementType, isElementType } from './element-types.ts';

const NAMES: Readonly<Record<DType, ElementType>> = {
  float32: 'F32',
  float64: 'F64',
  int64: 'I64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
};
export const MAX_HEADER_BYTES = 16 * 1024 * 1024;
/** The data begin at a multiple of this, and so does every tensor whose length is one. */
const ALIGNMENT = 64;

export interface Safetensors {
  readonly tensors: Record<string, Tensor>;
  readonly metadata: Record<string, string>;
}

/** Where everything lies in a safetensors file that is to be written. */
export interface SafetensorsLayout {
  /** All bytes before the first tensor. */
  readonly head: Uint8Array;
  /** In the order of the file; `offset` counts from its beginning. */
  readonly places: readonly { readonly name: string; readonly offset: number; readonly bytes: number }[];
  /** Length of the file. */
  readonly bytes: number;
}

/**
 * Plans a file so that equal tensors give equal bytes. The format allows no gaps, so tensors come by the largest power
 * of two (at most 64) that divides their length, and by name among equals: each begins at a multiple of that power.
 */
export function layoutSafetensors(
  tensors: Readonly<Record<string, Pick<Tensor, 'dtype' | 'shape'>>>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsLayout {
  const alignment = (bytes: number) => (bytes % ALIGNMENT === 0 ? ALIGNMENT : bytes & -bytes);
  const order = Object.keys(tensors)
    .sort()
    .map((name) => ({ name, bytes: sizeOf(tensors[name].shape) * ELEMENT_TYPES[NAMES[tensors[name].dtype]].bytes }))
    .sort((a, b) => alignment(b.bytes) - alignment(a.bytes));
  // Without a prototype, a tensor may be called "__proto__".
  const header: Record<string, unknown> = Object.create(null);
  header.__metadata__ = metadata;
  let end = 0;
  for (const { name, bytes } of order) {
    const { dtype, shape } = tensors[name];
    header[name] = { dtype: NAMES[dtype], shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(Math.ceil((8 + json.length) / ALIGNMENT) * ALIGNMENT).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);
  let offset = head.length;
  const places = order.map(({ name, bytes }) => {
    offset += bytes;
    return { name, offset: offset - bytes, bytes };
  });
  return { head, places, bytes: offset };
}

/** Tensors as safetensors bytes, in the order of `layoutSafetensors`. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const layout = layoutSafetensors(tensors, metadata);
  const bytes = new Uint8Array(layout.bytes);
  bytes.set(layout.head);
  for (const { name, offset } of layout.places) bytes.set(bytesOf(tensors[name]), offset);
  return bytes;
}

/** The elements of a tensor as they lie in memory (little-endian on every machine that Node runs on). */
export function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Reads safetensors bytes. @throws TriggerlabError (input) when they are not a well-formed file; `what` names it. */
export function decodeSafetensors(bytes: Uint8Array, what: string): Safetensors {
  const length = headerLength(bytes, bytes.length, what);
  const { places, metadata } = readHeader(bytes.subarray(8, 8 + length), bytes.length - 8 - length, what);
  const tensors: Record<string, Tensor> = Object.create(null);
  for (const [name, { stored, shape, from, to }] of places) {
    const copy = new Uint8Array(bytes.subarray(8 + length + from, 8 + length + to));
    const { dtype, decode } = ELEMENT_TYPES[stored];
    tensors[name] = { dtype, shape, data: decode(copy.buffer) };
  }
  return { tensors, metadata };
}

/** Bytes of the header, from the first eight of a file of `fileBytes`. @throws TriggerlabError (input) when it cannot be. */
export function headerLength(start: Uint8Array, fileBytes: number, what: string): number {
  if (start.length < 8) throw broken(what, `only ${fileBytes} bytes`);
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES || 8n + length > fileBytes) throw broken(what, `a header of ${length} bytes`);
  return Number(length);
}

/** A tensor's element type and shape, and where it lies in the data after the header. */
export interface SafetensorsPlace {
  readonly stored: ElementType;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** Reads and checks a header; the tensors must fill `dataBytes` exactly. @throws TriggerlabError (input) when they do not. */
export function readHeader(
  json: Uint8Array,
  dataBytes: number,
  what: string,
): { places: Map<string, SafetensorsPlace>; metadata: Record<string, string> } {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    throw broken(what, `its header is not JSON (${messageOf(error)})`);
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header))
    throw broken(what, 'its header is not a JSON object');
  const places = new Map<string, SafetensorsPlace>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = isStringMap(entry) ? entry : {};
      continue;
    }
    const place = readEntry(entry, dataBytes);
    if (typeof place === 'string') throw broken(what, `tensor "${name.slice(0, 100)}" ${place}`);
    places.set(name, place);
  }
  let end = 0;
  for (const { from, to } of [...places.values()].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) throw broken(what, 'its tensors overlap or leave gaps');
    end = to;
  }
  if (end !== dataBytes) throw broken(what, `${dataBytes - end} bytes belong to no tensor`);
  return { places, metadata };
}

function broken(what: string, why: string): TriggerlabError {
  return inputError(`${what} is not a valid safetensors file: ${why}`, { hint: 'Download or export the file again.' });
}

function readEntry(entry: unknown, dataBytes: number): SafetensorsPlace | string {
  if (entry === null || typeof entry !== 'object') return 'has no description';
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (typeof dtype !== 'string') return 'has no element type';
  if (!isElementType(dtype)) return `has element type "${dtype.slice(0, 20)}"`;
  if (!isNaturals(shape) || shape.length > 16) return 'has no shape';
  if (!isNaturals(offsets) || offsets.length !== 2) return 'has no place in the file';
  const [from, to] = offsets;
  const length = sizeOf(shape) * ELEMENT_TYPES[dtype].bytes;
  if (!Number.isSafeInteger(length) || to - from !== length || to > dataBytes) {
    return `lies outside the file or does not fill its shape [${shape}]`;
  }
  return { stored: dtype, shape, from, to };
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isStringMap(value: unknown): value is Record<string, string> {
  return value !== null && typeof value === 'object' && Object.values(value).every((item) => typeof item === 'string');
}
