// PyTorch's zip form (since 1.6): data.pkl beside one entry per storage.
import { inputError } from '../../core/errors.ts';
import { openZip, type ZipArchive } from '../../core/zip.ts';
import { ELEMENT_TYPES } from './element-types.ts';
import { unpickle } from './pickle.ts';
import { brokenTorch, readingTorch } from './pth-errors.ts';
import { stateDictOf } from './state-dict.ts';
import { type Storage, TORCH_GLOBALS, tensorView } from './torch-objects.ts';
import { torchWeights } from './torch-weights.ts';
import type { WeightsFile } from './weights-file.ts';

/** A tensor has an entry; the largest networks have a few thousand. */
const MAX_ENTRIES = 200_000;
const MAX_PICKLE_BYTES = 16 * 1024 * 1024;
/** PyTorch stores its entries as they are. Packed ones are read too, up to so many bytes in all. */
const MAX_UNPACKED_BYTES = 8 * 1024 ** 3;

/** Opens a file that begins like a zip archive. @throws TriggerlabError (input) when it is no readable PyTorch file. */
export async function openTorchZip(path: string): Promise<WeightsFile> {
  const archive = await openZip(path, MAX_ENTRIES);
  try {
    return await readingTorch(path, () => readArchive(path, archive));
  } catch (error) {
    archive.close();
    throw error;
  }
}

async function readArchive(path: string, archive: ZipArchive & { close(): void }): Promise<WeightsFile> {
  const pickles = archive.names.filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1) throw brokenTorch(path, `it has ${pickles.length} entries called data.pkl instead of one`);
  const root = pickles[0].slice(0, -'data.pkl'.length);
  const names = new Set(archive.names);
  if (names.has(`${root}constants.pkl`)) {
    throw inputError(`${path} is a TorchScript archive, which holds code`, {
      hint: 'Save the numbers alone: torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE).',
    });
  }
  if (names.has(`${root}byteorder`)) {
    const order = String(await archive.read(`${root}byteorder`, 100)).trim();
    if (order !== 'little') throw brokenTorch(path, `its byte order is "${order}", only "little" is read`);
  }
  const { value } = unpickle(await archive.read(`${root}data.pkl`, MAX_PICKLE_BYTES), 0, TORCH_GLOBALS);
  const views = stateDictOf(value, tensorView);
  const entryOf = ({ key }: Storage) => `${root}data/${key}`;
  for (const { storage } of views.values()) {
    const found = names.has(entryOf(storage)) ? archive.info(entryOf(storage)).bytes : undefined;
    // A storage of no elements may have no entry.
    const expected = storage.length * ELEMENT_TYPES[storage.type].bytes;
    if (found !== expected && !(found === undefined && expected === 0)) {
      throw brokenTorch(path, `storage ${storage.key.slice(0, 40)} has ${found ?? 'no'} bytes instead of ${expected}`);
    }
  }
  let unpacked = 0;
  return torchWeights({
    path,
    format: 'pth-zip',
    views,
    readStorage(storage, from, to) {
      const { bytes, stored } = archive.info(entryOf(storage));
      if (!stored) unpacked += bytes;
      if (unpacked > MAX_UNPACKED_BYTES) {
        throw brokenTorch(path, `its compressed entries unpack to more than ${MAX_UNPACKED_BYTES} bytes`);
      }
      return archive.readRange(entryOf(storage), from, to);
    },
    async close() {
      archive.close();
    },
  });
}
