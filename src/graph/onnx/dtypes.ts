// Element types and their numbers in the ONNX format.
import type { DType } from '../../core/tensor.ts';
// A type alone: the format's schema takes longer to load than everything that emits graphs.
import type { TensorProto_DataType as T } from './onnx_pb.ts';

const CODES = { float32: 1, float64: 11, int64: 7, int32: 6, uint8: 2, bool: 9 } satisfies {
  readonly float32: T.FLOAT;
  readonly float64: T.DOUBLE;
  readonly int64: T.INT64;
  readonly int32: T.INT32;
  readonly uint8: T.UINT8;
  readonly bool: T.BOOL;
} & Record<DType, T>;

/** ONNX's number of an element type. */
export function dtypeCode(dtype: DType): T {
  return CODES[dtype];
}

/** The element type of an ONNX number. @throws Error for types this program does not compute with. */
export function dtypeOfCode(code: number): DType {
  const found = (Object.keys(CODES) as DType[]).find((dtype) => CODES[dtype] === code);
  if (!found) throw new Error(`element type ${code} is not supported`);
  return found;
}
