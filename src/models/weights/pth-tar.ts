// PyTorch's oldest form (before 0.1.10): a tar archive of sys_info, storages, tensors and the pickle that names them.
import { ELEMENT_TYPES } from './element-types.ts';
import type { FileBytes } from './file-bytes.ts';
import { unpickle } from './pickle.ts';
import { PickleError } from './pickle-input.ts';
import { isObject, type PickleValue } from './pickle-values.ts';
import { checkByteOrder } from './pth-legacy.ts';
import { stateDictOf } from './state-dict.ts';
import { checkView, natural, type Storage, storageType, type TensorView, TORCH_GLOBALS } from './torch-objects.ts';
import { torchWeights } from './torch-weights.ts';
import type { WeightsFile } from './weights-file.ts';

const BLOCK = 512;
const MAX_MEMBERS = 64;
const MAX_PICKLE_BYTES = 16 * 1024 * 1024;
const MAX_RECORDS = 100_000;
/** The small pickles between raw data: a key, a location and a class. */
const MAX_RECORD_BYTES = 64 * 1024;

/** A part of the file: from the first byte to the one behind the last. */
interface Member {
  readonly start: number;
  readonly end: number;
}

/** Reads a file that is a tar archive. @throws PickleError when it is no readable PyTorch file. */
export async function readTorchTar(file: FileBytes): Promise<WeightsFile> {
  const members = await listMembers(file);
  const member = (name: string) => {
    const found = members.get(name);
    if (!found) throw new PickleError(`it is a tar archive without "${name}"`);
    return found;
  };
  checkByteOrder((await pickleAt(file, member('sys_info'), MAX_PICKLE_BYTES)).value);
  const { storages, starts } = await readStorages(file, member('storages'));
  const tensors = await readTensors(file, member('tensors'), storages);
  const { value } = await pickleAt(file, member('pickle'), MAX_PICKLE_BYTES);
  const views = stateDictOf(value, (item) => {
    if (!isObject(item, 'persistent')) return undefined;
    const view = tensors.get(keyOf(item.id));
    if (!view) throw new PickleError('it names a tensor that it does not hold');
    return view;
  });
  const startOf = ({ key }: Storage) => starts.get(key) ?? 0;
  return torchWeights({
    path: file.path,
    format: 'pth-tar',
    views,
    storageStart: startOf,
    readStorage: (storage, from, to) => file.read(startOf(storage) + from, startOf(storage) + to),
    close: () => file.close(),
  });
}

/** Members by name: a header block with an octal size, then the content in whole blocks. */
async function listMembers(file: FileBytes): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  for (let at = 0, count = 0; at + BLOCK <= file.size; count++) {
    const header = await file.read(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const size = header.toString('latin1', 124, 136).replace(/[\0 ]+$/, '');
    const name = header.toString('latin1', 0, 100).replace(/\0.*$/s, '').replace(/^\.\//, '');
    if (!/^[0-7]{1,11}$/.test(size) || count === MAX_MEMBERS) throw new PickleError('its tar headers are damaged');
    const start = at + BLOCK;
    const end = start + Number.parseInt(size, 8);
    if (end > file.size) throw new PickleError('it ends too early');
    members.set(name, { start, end });
    at = start + Math.ceil((end - start) / BLOCK) * BLOCK;
  }
  return members;
}

/** The pickle at the beginning of a part of the file, and the position behind it. */
async function pickleAt(
  file: FileBytes,
  { start, end }: Member,
  maxBytes: number,
): Promise<{ value: PickleValue; end: number }> {
  const bytes = await file.read(start, Math.min(end, start + maxBytes));
  const read = unpickle(bytes, 0, TORCH_GLOBALS);
  return { value: read.value, end: start + read.end };
}

/** A number of records, each a small pickle with raw data behind it; `record` answers where the data ends. */
async function readRecords(
  file: FileBytes,
  { start, end }: Member,
  record: (items: readonly PickleValue[], at: number, end: number) => Promise<number>,
): Promise<number> {
  const count = await pickleAt(file, { start, end }, MAX_RECORD_BYTES);
  if (natural(count.value) > MAX_RECORDS) throw new PickleError(`it holds more than ${MAX_RECORDS} tensors`);
  let at = count.end;
  for (let i = 0; i < natural(count.value); i++) {
    const head = await pickleAt(file, { start: at, end }, MAX_RECORD_BYTES);
    at = await record(isObject(head.value, 'tuple') ? head.value.items : [], head.end, end);
  }
  return at;
}

async function readStorages(
  file: FileBytes,
  member: Member,
): Promise<{ storages: Map<string, Storage>; starts: Map<string, number> }> {
  const storages = new Map<string, Storage>();
  const starts = new Map<string, number>();
  const behind = await readRecords(file, member, async ([key, , type], at, end) => {
    const length = Number((await part(file, at, 8, end)).readBigInt64LE());
    const storage = { key: keyOf(key), type: storageType(type), length: natural(length) };
    const stop = at + 8 + length * ELEMENT_TYPES[storage.type].bytes;
    if (stop > end) throw new PickleError('it ends too early');
    storages.set(storage.key, storage);
    starts.set(storage.key, at + 8);
    return stop;
  });
  const views = await pickleAt(file, { start: behind, end: member.end }, MAX_PICKLE_BYTES);
  if (!isObject(views.value, 'list') || views.value.items.length > 0) {
    throw new PickleError('its storages are views of one another');
  }
  return { storages, starts };
}

async function readTensors(
  file: FileBytes,
  member: Member,
  storages: ReadonlyMap<string, Storage>,
): Promise<Map<string, TensorView>> {
  const tensors = new Map<string, TensorView>();
  await readRecords(file, member, async ([key, storageKey], at, end) => {
    const rank = (await part(file, at, 8, end)).readInt32LE();
    if (rank < 0 || rank > 16) throw new PickleError('a tensor in it has no shape');
    const numbers = await part(file, at + 8, 8 * (2 * rank + 1), end);
    const values = Array.from({ length: 2 * rank + 1 }, (_, i) => natural(Number(numbers.readBigInt64LE(8 * i))));
    const storage = storages.get(keyOf(storageKey));
    if (!storage) throw new PickleError('a tensor in it has no storage');
    const view = { shape: values.slice(0, rank), strides: values.slice(rank, 2 * rank), offset: values[2 * rank] };
    checkView(view, storage.length);
    tensors.set(keyOf(key), { storage, ...view });
    return at + 8 + numbers.length;
  });
  return tensors;
}

async function part(file: FileBytes, at: number, length: number, end: number): Promise<Buffer> {
  if (at + length > end) throw new PickleError('it ends too early');
  return file.read(at, at + length);
}

/** Keys are addresses: numbers, perhaps written as text. */
function keyOf(value: PickleValue | undefined): string {
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') {
    throw new PickleError('a key in it is no number');
  }
  return String(value);
}
