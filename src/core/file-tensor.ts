// Tensors that stay in their file until somebody asks for their numbers.
import { closeSync, openSync, readSync } from 'node:fs';
import { failedError, messageOf } from './errors.ts';
import { type DType, type FilePlace, sizeOf, type Tensor, type TensorData } from './tensor.ts';

type Buffers = { readonly [D in DType]: (bytes: ArrayBuffer) => TensorData[D] };

const VIEWS: Buffers = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  int64: (bytes) => new BigInt64Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
};
const BYTES: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int64: 8, int32: 4, uint8: 1, bool: 1 };

/**
 * A tensor whose little-endian numbers lie in `path` from byte `offset` on. They are read when `data` is asked for and kept
 * only as long as somebody holds them; graphs can name the place instead of carrying a copy.
 * @throws TriggerlabError (failed), from `data`, when the file cannot be read or is too short.
 */
export function fileTensor<D extends DType>(
  dtype: D,
  shape: readonly number[],
  path: string,
  offset: number,
): Tensor<D> {
  const place: FilePlace = { path, offset, bytes: sizeOf(shape) * BYTES[dtype] };
  let held: WeakRef<TensorData[D]> | undefined;
  return {
    dtype,
    shape,
    place,
    get data() {
      const known = held?.deref();
      if (known) return known;
      const data = VIEWS[dtype](readPlace(place));
      held = new WeakRef(data);
      return data;
    },
  };
}

function readPlace({ path, offset, bytes }: FilePlace): ArrayBuffer {
  const content = new Uint8Array(bytes);
  let at = 0;
  try {
    const file = openSync(path, 'r');
    try {
      while (at < bytes) {
        const count = readSync(file, content, at, Math.min(bytes - at, 2 ** 30), offset + at);
        if (count === 0) throw new Error(`it ends ${bytes - at} bytes too early`);
        at += count;
      }
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw failedError(`cannot read ${path}: ${messageOf(cause)}`, { hint: 'Import or pull the weights again.', cause });
  }
  return content.buffer;
}
