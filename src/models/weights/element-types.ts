// The element types that weight files use, and how each becomes one of ours.
import { bfloat16Value, float16Value } from '../../core/half-floats.ts';
import type { DType, TensorData } from '../../core/tensor.ts';

/** A stored element type, named as safetensors names it. */
export type ElementType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

export interface ElementInfo {
  /** What it becomes in memory: half precision and bfloat16 become float32, short integers int32, all exactly. */
  readonly dtype: DType;
  /** Bytes of one stored element. */
  readonly bytes: number;
  /** Turns stored little-endian elements into ours; may keep the buffer. */
  decode(buffer: ArrayBuffer): TensorData[DType];
}

export const ELEMENT_TYPES: Readonly<Record<ElementType, ElementInfo>> = {
  F64: { dtype: 'float64', bytes: 8, decode: (b) => new Float64Array(b) },
  F32: { dtype: 'float32', bytes: 4, decode: (b) => new Float32Array(b) },
  F16: { dtype: 'float32', bytes: 2, decode: (b) => Float32Array.from(new Uint16Array(b), float16Value) },
  BF16: { dtype: 'float32', bytes: 2, decode: (b) => Float32Array.from(new Uint16Array(b), bfloat16Value) },
  I64: { dtype: 'int64', bytes: 8, decode: (b) => new BigInt64Array(b) },
  I32: { dtype: 'int32', bytes: 4, decode: (b) => new Int32Array(b) },
  I16: { dtype: 'int32', bytes: 2, decode: (b) => Int32Array.from(new Int16Array(b)) },
  I8: { dtype: 'int32', bytes: 1, decode: (b) => Int32Array.from(new Int8Array(b)) },
  U8: { dtype: 'uint8', bytes: 1, decode: (b) => new Uint8Array(b) },
  BOOL: { dtype: 'bool', bytes: 1, decode: (b) => new Uint8Array(b) },
};

export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(ELEMENT_TYPES, name);
}
