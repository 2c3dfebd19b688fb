// Opens a file of weights, whatever its ending: the content decides which reader takes it.
import { inputError } from '../../core/errors.ts';
import { FileBytes } from './file-bytes.ts';
import { readingTorch } from './pth-errors.ts';
import { readTorchLegacy } from './pth-legacy.ts';
import { readTorchTar } from './pth-tar.ts';
import { openTorchZip } from './pth-zip.ts';
import { readSafetensors } from './safetensors-file.ts';
import type { WeightsFile } from './weights-file.ts';

interface Reader {
  /** Whether a file that begins so is of this format. */
  matches(head: Buffer): boolean;
  open(file: FileBytes): Promise<WeightsFile>;
}

const READERS: readonly Reader[] = [
  { matches: (head) => head.toString('latin1', 0, 2) === 'PK', open: openZipInstead },
  { matches: (head) => head[8] === 0x7b && head[7] === 0, open: readSafetensors },
  { matches: (head) => head[0] === 0x80, open: (file) => readingTorch(file.path, () => readTorchLegacy(file)) },
  {
    matches: (head) => head.toString('latin1', 257, 262) === 'ustar',
    open: (file) => readingTorch(file.path, () => readTorchTar(file)),
  },
  // The first field of an ONNX model is the version of its format.
  { matches: (head) => head[0] === 0x08 && head[1] >= 1 && head[1] <= 20, open: readOnnx },
];
const HEAD_BYTES = 512;

/**
 * Opens a file of weights: safetensors, PyTorch in its zip, legacy and tar forms, ONNX. Tensors are read when asked for.
 * @throws TriggerlabError (input) when there is no such file, or it is none of these, or damaged, or asks for anything
 * but tensors.
 */
export async function openWeights(path: string): Promise<WeightsFile> {
  const file = await FileBytes.open(path);
  try {
    const head = await file.head(HEAD_BYTES);
    const reader = READERS.find(({ matches }) => matches(head));
    if (!reader) throw unknownFormat(path, head);
    return await reader.open(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Loaded only when needed, because it brings in the whole ONNX format. */
async function readOnnx(file: FileBytes): Promise<WeightsFile> {
  const { readOnnxWeights } = await import('./onnx-weights.ts');
  return readOnnxWeights(file);
}

/** The zip reader opens the file by itself. */
async function openZipInstead(file: FileBytes): Promise<WeightsFile> {
  const weights = await openTorchZip(file.path);
  await file.close();
  return weights;
}

function unknownFormat(path: string, head: Buffer): Error {
  const text = head.toString('latin1').trimStart().toLowerCase();
  if (text.startsWith('version https://git-lfs')) {
    return inputError(`${path} is a Git LFS pointer, not the file itself`, { hint: 'Fetch it with: git lfs pull' });
  }
  const found =
    head.length === 0 ? 'is empty' : text.startsWith('<') ? 'is a web page' : 'is none of the known formats';
  return inputError(`${path} ${found}`, {
    hint: 'Weights are read from safetensors, PyTorch .pth or .pt (a state dict), and ONNX files.',
  });
}
