// PyTorch's form before 1.6: four pickles (magic number, protocol, system, object), the storages' keys, the storages.
import { ELEMENT_TYPES } from './element-types.ts';
import type { FileBytes } from './file-bytes.ts';
import { unpickle } from './pickle.ts';
import { PickleError } from './pickle-input.ts';
import { isObject, type PickleValue } from './pickle-values.ts';
import { stateDictOf } from './state-dict.ts';
import { readStorage, type Storage, TORCH_GLOBALS, tensorView } from './torch-objects.ts';
import { torchWeights } from './torch-weights.ts';
import type { WeightsFile } from './weights-file.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
const MAX_PICKLE_BYTES = 16 * 1024 * 1024;

/** Reads a file that begins like a pickle. @throws PickleError when it is no readable PyTorch file. */
export async function readTorchLegacy(file: FileBytes): Promise<WeightsFile> {
  const head = await file.head(MAX_PICKLE_BYTES);
  let position = 0;
  const next = () => {
    const read = unpickle(head, position, TORCH_GLOBALS);
    position = read.end;
    return read;
  };
  if (next().value !== MAGIC) throw new PickleError('it is a pickle, but torch.save did not write it');
  if (next().value !== PROTOCOL) throw new PickleError('it is written in another version of the legacy format');
  checkByteOrder(next().value);
  const object = next();
  const keys = next().value;
  const views = stateDictOf(object.value, tensorView);
  // Every storage, also those of an optimiser beside the state dict: they lie between the others.
  const storages = new Map(object.persistent.map((id) => readStorage(id).storage).map((s) => [s.key, s]));
  const starts = await locateStorages(file, keys, storages, position);
  const startOf = ({ key, length }: Storage) => {
    const place = starts.get(key);
    if (place?.length !== length) throw new PickleError(`storage ${key.slice(0, 40)} has another length than said`);
    return place.start;
  };
  for (const { storage } of views.values()) startOf(storage);
  return torchWeights({
    path: file.path,
    format: 'pth-legacy',
    views,
    storageStart: startOf,
    readStorage: (storage, from, to) => file.read(startOf(storage) + from, startOf(storage) + to),
    close: () => file.close(),
  });
}

/** @throws PickleError when the system's description does not say little-endian. */
export function checkByteOrder(info: PickleValue): void {
  const entries = isObject(info, 'dict') ? info.entries : [];
  if (!entries.some(([key, value]) => key === 'little_endian' && value === true)) {
    throw new PickleError('it was not written on a little-endian machine');
  }
}

/** Where each storage's elements begin: in the order of `keys`, each after its length of eight bytes. */
async function locateStorages(
  file: FileBytes,
  keys: PickleValue,
  storages: ReadonlyMap<string, Storage>,
  start: number,
): Promise<Map<string, { start: number; length: number }>> {
  if (!isObject(keys, 'list')) throw new PickleError('the list of its storages is missing');
  const places = new Map<string, { start: number; length: number }>();
  let at = start;
  for (const item of keys.items) {
    if (at + 8 > file.size) throw new PickleError('it ends too early');
    const key = String(typeof item === 'object' ? '' : item);
    const length = Number((await file.read(at, at + 8)).readBigInt64LE());
    const storage = storages.get(key);
    if (!storage) throw new PickleError(`storage ${key.slice(0, 40)} belongs to no tensor`);
    if (places.has(key)) throw new PickleError(`storage ${key.slice(0, 40)} is there twice`);
    const end = at + 8 + length * ELEMENT_TYPES[storage.type].bytes;
    if (length < 0 || end > file.size) throw new PickleError('it ends too early');
    places.set(key, { start: at + 8, length });
    at = end;
  }
  return places;
}
