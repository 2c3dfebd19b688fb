// The files of a directory or a zip archive of images that we do not trust: bounded, no links followed, nothing unpacked.
import { type BigIntStats, readdirSync, realpathSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { inputError, messageOf } from '../core/errors.ts';
import { formatBytes } from '../core/format.ts';
import { withZip } from '../core/zip.ts';

/** The images of a folder or archive while it is open. */
export interface ImageFiles {
  /** Paths of the images inside, `/` between their parts. */
  readonly paths: readonly string[];
  /** @throws TriggerlabError (input) for a file that is damaged or too large. */
  read(path: string): Promise<Uint8Array>;
}

const MAX_FILES = 500_000;
const MAX_DEPTH = 8;
const MAX_FILE_BYTES = 50_000_000;
/** Images hardly shrink in an archive: one that unpacks to more than this many times its size is no archive of images. */
const MAX_EXPANSION = 200;
const SMALL_TOTAL = 100_000_000;
const READ = /\.(jpe?g|png|webp|p[gpn]m)$/i;
const NOT_READ = /\.(bmp|gif|tiff?|avif|hei[cf]|jp2|svg)$/i;

/**
 * A text that changes whenever a folder or archive may have changed: sizes and times of its files, but not their content.
 * @throws TriggerlabError (input) when there is no such folder or archive, or it cannot be walked.
 */
export function filesStamp(path: string): string {
  const stamp = (stats: BigIntStats) => [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
  const root = rootOf(path);
  if (!root.isDirectory) return stamp(root.stats);
  return walk(root.path, path)
    .map((file) => `${file}\0${stamp(statsOf(join(root.path, file), `${path}: ${file}`))}`)
    .join('\n');
}

/**
 * Opens the directory or zip archive at `path` for the duration of `work`. Hidden files, `__MACOSX` and files that are
 * no images are left out.
 * @throws TriggerlabError (input) that names the file which cannot be taken.
 */
export async function withImageFiles<T>(path: string, work: (files: ImageFiles) => Promise<T>): Promise<T> {
  const root = rootOf(path);
  if (root.isDirectory) {
    const paths = walk(root.path, path);
    return work({ paths, read: (name) => readWhole(join(root.path, name), name) });
  }
  return withZip(path, MAX_FILES, async (archive) => {
    const paths = archive.names.filter((name) => isImage(path, name));
    const total = paths.reduce((sum, name) => sum + archive.info(name).bytes, 0);
    if (total > SMALL_TOTAL && total > MAX_EXPANSION * Number(root.stats.size)) {
      throw inputError(`${path} would unpack to ${formatBytes(total)}, ${MAX_EXPANSION} times its size or more`, {
        hint: 'It is damaged or made to fill the memory. Unpack it yourself and give the folder if you trust it.',
      });
    }
    return work({ paths, read: (name) => archive.read(name, MAX_FILE_BYTES) });
  });
}

function statsOf(path: string, shown: string): BigIntStats {
  try {
    return statSync(path, { bigint: true });
  } catch (cause) {
    throw inputError(`${shown} cannot be read: ${messageOf(cause)}`, {
      hint: 'Try again when nothing writes there.',
      cause,
    });
  }
}

interface Root {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly stats: BigIntStats;
}

function rootOf(path: string): Root {
  let real: string;
  let stats: BigIntStats;
  try {
    real = realpathSync(path);
    stats = statSync(real, { bigint: true });
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw inputError(missing ? `${path}: no such file or folder` : `${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'Paths of datasets start from the working folder. triggerlab datasets ls lists those that need no path.',
      cause,
    });
  }
  const isDirectory = stats.isDirectory();
  if (!isDirectory && !(stats.isFile() && /\.zip$/i.test(path))) {
    throw inputError(`${path} is neither a folder nor a .zip file`, {
      hint: /\.onnx$/i.test(path) ? 'It is a model: write it under model.' : 'Give a folder or a .zip file of images.',
    });
  }
  return { path: real, isDirectory, stats };
}

/** Paths of the images below a directory. `shown` names it in messages. */
function walk(root: string, shown: string): string[] {
  const found: string[] = [];
  const visit = (folder: string, depth: number) => {
    if (depth > MAX_DEPTH) throw inputError(`${shown}: ${folder} lies too deep`, { hint: 'Is it an image folder?' });
    let images = 0;
    let folders = 0;
    for (const entry of entriesOf(join(root, folder), shown)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (isHidden(entry.name)) continue;
      if (entry.isSymbolicLink()) {
        throw inputError(`${shown}: ${path} is a symbolic link, which is not followed`, {
          hint: 'Put the files themselves there, or give the folder that the link leads to.',
        });
      }
      if (entry.isDirectory()) {
        folders++;
        visit(path, depth + 1);
      } else if (isImage(shown, path)) {
        if (!entry.isFile()) throw inputError(`${shown}: ${path} is not a regular file`, { hint: 'Take it out.' });
        images++;
        if (found.push(path) > MAX_FILES) throw inputError(`${shown} has more than ${MAX_FILES} images`);
      }
    }
    if (images + folders === 0 && folder !== '') {
      throw inputError(`${shown}: no images in the folder ${folder}`, { hint: 'Fill it or remove it.' });
    }
  };
  visit('', 0);
  return found;
}

function entriesOf(folder: string, shown: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw inputError(`${shown} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}

/** @throws TriggerlabError (input) for a picture in a format that is not read: leaving it out would go unnoticed. */
function isImage(shown: string, path: string): boolean {
  if (path.split('/').some(isHidden)) return false;
  if (NOT_READ.test(path)) {
    throw inputError(`${shown}: ${path} is in a format that is not read`, {
      hint: 'Convert it to PNG; JPEG, PNG, WebP and PPM are read.',
    });
  }
  return READ.test(path);
}

async function readWhole(path: string, name: string): Promise<Uint8Array> {
  const file = await open(path).catch((cause: unknown) => {
    throw inputError(`${name} cannot be read: ${messageOf(cause)}`, { cause });
  });
  try {
    const { size } = await file.stat();
    if (size > MAX_FILE_BYTES) {
      throw inputError(`${name} is ${formatBytes(size)} long, at most ${formatBytes(MAX_FILE_BYTES)} are read`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}
