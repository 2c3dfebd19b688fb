// Element types and their numbers in the ONNX format.
import type { DType } from '../../core/tensor.ts';
import { TensorProto_DataType as T } from './onnx_pb.ts';

const CODES: Record<DType, T> = {
  float32: T.FLOAT,
  float64: T.DOUBLE,
  int64: T.INT64,
  int32: T.INT32,
  uint8: T.UINT8,
  bool: T.BOOL,
};

/** ONNX's number of an element type. */
export function dtypeCode(dtype: DType): T {
  return CODES[dtype];
}

/** The element type of an ONNX number. @throws Error for types this program does not compute with. */
export function dtypeOfCode(code: number): DType {
  const found = (Object.keys(CODES) as DType[]).find((dtype) => CODES[dtype] === code);
  if (!found) throw new Error(`element type ${T[code] ?? code} is not supported`);
  return found;
}
