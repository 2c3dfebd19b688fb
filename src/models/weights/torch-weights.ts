// Tensors out of PyTorch's storages, whichever form the file around them has.
import { inputError } from '../../core/errors.ts';
import { sizeOf, stridesOf, type Tensor } from '../../core/tensor.ts';
import { ELEMENT_TYPES } from './element-types.ts';
import type { Storage, TensorView } from './torch-objects.ts';
import type { StoredTensor, WeightsFile, WeightsFormat } from './weights-file.ts';

export interface TorchSource {
  readonly path: string;
  readonly format: WeightsFormat;
  readonly views: ReadonlyMap<string, TensorView>;
  /** Where a storage begins in the file, when it lies there unpacked. */
  storageStart?(storage: Storage): number;
  /** Bytes of a storage, in a buffer of their own. */
  readStorage(storage: Storage, from: number, to: number): Promise<Buffer<ArrayBuffer>>;
  close(): Promise<void>;
}

/** A view may skip most of what lies between its first and its last element only where that is little. */
const MAX_SPARSE_BYTES = 64 * 1024 ** 2;
const MAX_SPARSENESS = 64;

/** A source of storages as an open file of tensors. */
export function torchWeights(source: TorchSource): WeightsFile {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, view] of source.views) {
    const { dtype, bytes } = ELEMENT_TYPES[view.storage.type];
    const start = isContiguous(view) ? source.storageStart?.(view.storage) : undefined;
    tensors.set(name, {
      dtype,
      stored: view.storage.type,
      shape: view.shape,
      bytes: bytes * sizeOf(view.shape),
      ...(start === undefined ? {} : { offset: start + view.offset * bytes }),
    });
  }
  return {
    path: source.path,
    format: source.format,
    metadata: {},
    tensors,
    close: () => source.close(),
    async read(name) {
      const view = source.views.get(name);
      if (!view) throw inputError(`${source.path} has no tensor "${name.slice(0, 100)}"`);
      return readView(source, view);
    },
  };
}

/** A tensor in row-major order. The part of the storage from its first to its last element is in memory meanwhile. */
async function readView(source: TorchSource, view: TensorView): Promise<Tensor> {
  const { storage, offset, shape, strides } = view;
  const { dtype, bytes, decode } = ELEMENT_TYPES[storage.type];
  const count = sizeOf(shape);
  if (count === 0) return { dtype, shape, data: decode(new ArrayBuffer(0)) };
  const span = 1 + shape.reduce((sum, dim, axis) => sum + (dim - 1) * strides[axis], 0);
  if (span > MAX_SPARSENESS * count && span * bytes > MAX_SPARSE_BYTES) {
    throw inputError(`${source.path}: a tensor of ${count} elements is spread over ${span * bytes} bytes`, {
      hint: 'Save copies: torch.save({k: v.clone() for k, v in model.state_dict().items()}, FILE).',
    });
  }
  const raw = await source.readStorage(storage, offset * bytes, (offset + span) * bytes);
  if (isContiguous(view)) return { dtype, shape, data: decode(raw.buffer) };
  return { dtype, shape, data: decode(gather(raw, view, count, bytes)) };
}

/** Elements in row-major order of the view. */
function gather(raw: Buffer, { shape, strides }: TensorView, count: number, bytes: number): ArrayBuffer {
  const rows = stridesOf(shape);
  const out = Buffer.from(new ArrayBuffer(count * bytes));
  for (let i = 0; i < count; i++) {
    let element = 0;
    for (let axis = 0; axis < shape.length; axis++) {
      element += (Math.floor(i / rows[axis]) % shape[axis]) * strides[axis];
    }
    for (let b = 0; b < bytes; b++) out[i * bytes + b] = raw[element * bytes + b];
  }
  return out.buffer as ArrayBuffer;
}

/** Whether a view's elements lie row by row without gaps; strides of dimensions of one element do not matter. */
function isContiguous({ shape, strides }: TensorView): boolean {
  const rows = stridesOf(shape);
  return sizeOf(shape) === 0 || shape.every((dim, axis) => dim === 1 || strides[axis] === rows[axis]);
}
