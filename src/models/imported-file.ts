// What belongs to an ONNX model on disk: the file, its external data (inside its own folder only), and the sidecar beside it.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import { formatBytes } from '../core/format.ts';
import { shortened } from '../graph/onnx/decode.ts';
import type { ReadExternal } from '../graph/onnx/tensors.ts';

/** Files of protobuf cannot be larger; what is larger keeps its tensors as external data. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
/** What all tensors outside the file may take together: while its graphs are made a model takes some seven times its size. */
const MAX_EXTERNAL_BYTES = 2 ** 30;
const MAX_SIDECAR_BYTES = 2 ** 20;

export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly readExternal: ReadExternal;
  /** Hashes of the external data read so far, by where they lie. */
  readonly external: Record<string, string>;
}

/** Reads a model's file. @throws TriggerlabError (input) when it cannot be read. */
export function readModelFile(path: string): ModelFile {
  const size = fileSize(path);
  if (size > MAX_FILE_BYTES) {
    throw inputError(`${path} has ${size} bytes: ONNX files cannot be larger than 2 GiB`, {
      hint: 'Save the model with external data.',
    });
  }
  const external: Record<string, string> = {};
  let taken = 0;
  return {
    bytes: new Uint8Array(readFileSync(path)),
    external,
    readExternal(location, offset, length) {
      const real = insideFolder(path, location);
      const wanted = length ?? Math.max(0, fileSize(real) - offset);
      taken += wanted;
      if (taken > MAX_EXTERNAL_BYTES) {
        throw inputError(
          `the model's external data take ${formatBytes(taken)} or more: at most ${formatBytes(MAX_EXTERNAL_BYTES)} are read`,
          { hint: 'Take a smaller model of its kind.' },
        );
      }
      const bytes = readRegion(real, location, offset, wanted);
      external[`${location}:${offset}`] = contentHash(bytes);
      return bytes;
    },
  };
}

/** SHA-256 of bytes, 64 hexadecimal digits: Node's own, which takes a fifth of the time for files of many megabytes. */
export function contentHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function fileSize(path: string): number {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw inputError(`${path} is not a file`);
    return stat.size;
  } catch (error) {
    if (error instanceof TriggerlabError) throw error;
    throw inputError(`the model ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Give the path of an ONNX file, relative to the folder you are in.',
      cause: error,
    });
  }
}

/** The real path of an external-data file. @throws TriggerlabError (input) when it lies outside the model's folder. */
function insideFolder(model: string, location: string): string {
  const refuse = (why: string) =>
    inputError(`the model's external data "${shortened(location)}" ${why}`, {
      hint: 'External data are read from the model’s own folder only.',
    });
  const parts = location.split(/[\\/]/);
  if (isAbsolute(location) || /^[a-z]:/i.test(location) || parts.includes('..') || location.includes('\0')) {
    throw refuse('does not lie in its folder');
  }
  let folder: string;
  let real: string;
  try {
    folder = realpathSync(dirname(realpathSync(model)));
    real = realpathSync(join(folder, location));
  } catch (error) {
    throw refuse(`cannot be read: ${messageOf(error)}`);
  }
  const way = relative(folder, real);
  if (way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) {
    throw refuse('leads out of its folder by a symbolic link');
  }
  return real;
}

function readRegion(path: string, location: string, offset: number, wanted: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || offset + wanted > stat.size) {
      throw inputError(
        `the model's external data "${shortened(location)}" has ${stat.size} bytes, not ${wanted} from ${offset} on`,
        { hint: 'The file is cut short, or belongs to another model.' },
      );
    }
    const bytes = new Uint8Array(wanted);
    for (let at = 0; at < wanted; ) {
      const read = readSync(file, bytes, at, wanted - at, offset + at);
      if (read === 0) throw inputError(`the model's external data "${shortened(location)}" ends early`);
      at += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

const channels = z.array(z.number().finite()).min(1).max(3);

const sidecarSchema = z.strictObject({
  /** Side of the square input in pixels. */
  inputSize: z.number().int().min(1).max(4096).optional(),
  normalization: z.strictObject({ mean: channels, std: channels }).optional(),
  /** The value of a white pixel to which mean and std refer: 1 or 255. */
  scale: z.union([z.literal(1), z.literal(255)]).optional(),
  channels: z.enum(['RGB', 'BGR']).optional(),
  /** Names of the file's own classes. */
  classes: z.array(z.string()).min(1).optional(),
});

export type Sidecar = z.infer<typeof sidecarSchema>;

/** The sidecar `<path>.json` of a model; an empty one when there is none. @throws TriggerlabError (input) when it is wrong. */
export function readSidecar(path: string): Sidecar {
  const file = `${path}.json`;
  let text: string;
  try {
    if (statSync(file).size > MAX_SIDECAR_BYTES) throw inputError(`${file} is larger than a megabyte`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    if (error instanceof TriggerlabError) throw error;
    throw inputError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw inputError(`${file} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  return parseSidecar(content, file);
}

function parseSidecar(content: unknown, file: string): Sidecar {
  const parsed = sidecarSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw inputError(`${file}: ${issues.join('; ')}`, {
    hint: 'Fields: inputSize, normalization {mean, std}, scale (1 or 255), channels (RGB or BGR), classes. See docs/onnx.md.',
  });
}
