// The constants of an ONNX model as weights, under the names that the exporter gave them.
import { inputError, TriggerlabError } from '../../core/errors.ts';
import type { DType } from '../../core/tensor.ts';
import { decodeModel, type OnnxModel } from '../../graph/onnx/decode.ts';
import type { ElementType } from './element-types.ts';
import type { FileBytes } from './file-bytes.ts';
import type { WeightsFile } from './weights-file.ts';

const STORED: Readonly<Record<DType, ElementType>> = {
  float32: 'F32',
  float64: 'F64',
  int64: 'I64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
};
/** Protobuf's own limit on a message; larger models keep their tensors in other files. */
const MAX_BYTES = 2 ** 31;

/** Reads an ONNX model that holds its own tensors. @throws TriggerlabError (input) when it is none. */
export async function readOnnxWeights(file: FileBytes): Promise<WeightsFile> {
  if (file.size >= MAX_BYTES) throw inputError(`${file.path} is too large for an ONNX model: ${file.size} bytes`);
  const { constants } = decode(file.path, await file.read(0, file.size));
  await file.close();
  return {
    path: file.path,
    format: 'onnx',
    metadata: {},
    tensors: new Map(
      [...constants].map(([name, { dtype, shape, data }]) => [
        name,
        { dtype, stored: STORED[dtype], shape, bytes: data.byteLength },
      ]),
    ),
    async close() {},
    async read(name) {
      const tensor = constants.get(name);
      if (!tensor) throw inputError(`${file.path} has no tensor "${name.slice(0, 100)}"`);
      return tensor;
    },
  };
}

/** The decoder knows bytes only: its complaints get the file's name. */
function decode(path: string, bytes: Uint8Array): OnnxModel {
  try {
    return decodeModel(bytes);
  } catch (error) {
    if (!(error instanceof TriggerlabError)) throw error;
    throw inputError(`${path}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
