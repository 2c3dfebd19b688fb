// What the pickles of PyTorch's files may name, and the tensors they describe: views of storages kept beside the pickle.
import { sizeOf } from '../../core/tensor.ts';
import { ELEMENT_TYPES, type ElementType } from './element-types.ts';
import { PickleError } from './pickle-input.ts';
import { isObject, type PickleValue } from './pickle-values.ts';

const STORAGES: Readonly<Record<string, ElementType>> = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};
const DTYPES = 'float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 bool'.split(' ');
const REBUILD_V1 = 'torch._utils._rebuild_tensor';
const REBUILD = 'torch._utils._rebuild_tensor_v2';
const PARAMETERS = ['torch._utils._rebuild_parameter', 'torch._utils._rebuild_parameter_with_state'];
const tensorClasses = Object.keys(STORAGES).map((name) => name.replace('Storage', 'Tensor'));
const modules = ['torch', 'torch.cuda'];

/** Every name that a pickle may ask for; each is read as a description only. */
export const TORCH_GLOBALS: ReadonlySet<string> = new Set([
  'collections.OrderedDict',
  'builtins.set',
  'builtins.complex',
  'builtins.bytearray',
  '_codecs.encode',
  'torch.Size',
  'torch.device',
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
  'torch.serialization._get_layout',
  REBUILD_V1,
  REBUILD,
  ...PARAMETERS,
  ...DTYPES.map((name) => `torch.${name}`),
  ...modules.flatMap((module) => [...Object.keys(STORAGES), ...tensorClasses].map((name) => `${module}.${name}`)),
]);

/** A block of elements kept beside the pickle. */
export interface Storage {
  readonly key: string;
  readonly type: ElementType;
  /** Number of elements. */
  readonly length: number;
}

/** A tensor as a view of a storage: offset and strides in elements. */
export interface TensorView {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** The element type of a storage class. @throws PickleError for anything else. */
export function storageType(value: PickleValue | undefined): ElementType {
  const name = isObject(value, 'global') ? value.name.slice(value.name.lastIndexOf('.') + 1) : '';
  if (!Object.hasOwn(STORAGES, name)) throw new PickleError('a storage in it has no known type');
  return STORAGES[name];
}

/** The tensor that a value describes; undefined when it describes something else. @throws PickleError when it is malformed. */
export function tensorView(value: PickleValue): TensorView | undefined {
  let inner = value;
  // A parameter is a tensor with a wrapper around it; two would be odd enough.
  for (let depth = 0; isObject(inner, 'call') && PARAMETERS.includes(inner.name); depth++) {
    if (depth === 2 || inner.args.length === 0) throw new PickleError('a parameter in it holds no tensor');
    inner = inner.args[0];
  }
  if (!isObject(inner, 'call') || (inner.name !== REBUILD && inner.name !== REBUILD_V1)) return undefined;
  const [storage, offset, shape, strides] = inner.args;
  if (!isObject(storage, 'persistent')) throw new PickleError('a tensor in it has no storage');
  const block = readStorage(storage.id);
  const view = { offset: natural(offset), shape: naturals(shape), strides: naturals(strides) };
  checkView(view, block.length);
  return { ...view, storage: block.storage, offset: block.offset + view.offset };
}

/** @throws PickleError when a view does not lie within a storage of `length` elements, or has more elements than that. */
export function checkView({ offset, shape, strides }: Omit<TensorView, 'storage'>, length: number): void {
  if (shape.length !== strides.length || shape.length > 16) throw new PickleError('a tensor in it has no shape');
  const count = sizeOf(shape);
  const last = offset + shape.reduce((sum, dim, axis) => sum + (dim - 1) * strides[axis], 0);
  if (count !== 0 && !(Number.isSafeInteger(count) && count <= length && last < length)) {
    throw new PickleError(
      `a tensor of shape [${shape}] with strides [${strides}] reaches beyond its storage of ${length} elements`,
    );
  }
}

/**
 * The storage that a persistent id names, `('storage', type, key, location, length)`, in the legacy form perhaps with
 * `(key, offset, length)` of a part of it behind. @throws PickleError when it is malformed.
 */
export function readStorage(id: PickleValue): { storage: Storage; offset: number; length: number } {
  const [tag, type, key, , length, part] = isObject(id, 'tuple') ? id.items : [];
  if (tag !== 'storage' || (typeof key !== 'string' && typeof key !== 'number')) {
    throw new PickleError('a storage in it has no key');
  }
  const storage = { key: String(key), type: storageType(type), length: natural(length) };
  if (!Number.isSafeInteger(storage.length * ELEMENT_TYPES[storage.type].bytes)) {
    throw new PickleError('a storage in it has no size');
  }
  if (part === undefined || part === null) return { storage, offset: 0, length: storage.length };
  const [, from, count] = isObject(part, 'tuple') ? part.items : [];
  const place = { storage, offset: natural(from), length: natural(count) };
  if (place.offset + place.length > storage.length) throw new PickleError('a part of a storage lies outside it');
  return place;
}

export function natural(value: PickleValue | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new PickleError('a size in it is no natural number');
  }
  return value;
}

function naturals(value: PickleValue | undefined): number[] {
  // torch.Size(…) is a call with the tuple as its argument.
  const inner = isObject(value, 'call') && value.name === 'torch.Size' ? value.args[0] : value;
  if (!isObject(inner, 'tuple') || inner.items.length > 16) throw new PickleError('a tensor in it has no shape');
  return inner.items.map(natural);
}
