// A folder or zip archive of images as a dataset: recognised by its content, decoded once into the cache.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheDirectory } from '../core/cache-directory.ts';
import { failedError, inputError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { canonicalJson, sha256Hex } from '../core/hash.ts';
import { type DatasetReference, datasetLabel, formatDatasetReference } from '../core/references.ts';
import { countLabels, type Dataset, type DatasetDefinition, type DatasetProgress } from './dataset.ts';
import { inParallel } from './decoded-blocks.ts';
import { filesStamp, withImageFiles } from './image-folder-files.ts';
import { chooseFiles, folderLayout } from './image-folder-layout.ts';
import { inCache, packImages } from './image-folder-pack.ts';
import { openPacked } from './packed-images.ts';

/** Raised whenever the same files begin to give other rows or other pixels. */
const READER_VERSION = 1;

/**
 * Opens the dataset that a reference names. Its fingerprint is a hash over the paths and contents of all its images (a
 * folder and an archive of it have the same) and over the options. The first time all images are read and those that were
 * chosen are decoded into the cache directory; later only the files' sizes and times are looked at.
 * @throws TriggerlabError (input) naming the file that is missing, damaged, of another size, or out of place.
 */
export async function openImageFolder(
  reference: DatasetReference,
  onProgress: DatasetProgress = () => {},
): Promise<DatasetDefinition> {
  const { path, options } = reference;
  const stamp = stampOf(path);
  const content = knownContent(stamp) ?? (await readContent(path, stamp, onProgress));
  const fingerprint = sha256Hex(canonicalJson({ reader: READER_VERSION, content, ...options }));
  const file = join(cacheDirectory(), 'datasets', `${fingerprint}.images`);
  const packed = openPacked(file) ?? (await pack(reference, stamp, file, onProgress));
  const { train, test, ...header } = packed;
  const name = formatDatasetReference(reference);
  const dataset: Dataset = { name, classes: header.classes, train, test };
  const count = ({ labels }: typeof train) => countLabels(labels, header.classes.length);
  return {
    ...header,
    name,
    title: `images of ${basename(path)}`,
    source: datasetLabel(name),
    classCounts: { train: count(train), test: count(test) },
    fingerprint,
    packedFile: () => file,
    load: async () => dataset,
  };
}

/** Changes whenever the files may have changed. */
function stampOf(path: string): string {
  return sha256Hex(JSON.stringify([READER_VERSION, filesStamp(path)]));
}

function contentPath(stamp: string): string {
  return join(cacheDirectory(), 'datasets', `${stamp}.content`);
}

/** The hash of the content that the files of a stamp had when they were last read. */
function knownContent(stamp: string): string | undefined {
  try {
    const content = readFileSync(contentPath(stamp), 'utf8');
    return /^[0-9a-f]{64}$/.test(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Reads every image; notes under the stamp what they hold. */
async function readContent(path: string, stamp: string, onProgress: DatasetProgress): Promise<string> {
  return withImageFiles(path, async (files) => {
    const names = [...files.paths].sort((a, b) => (a < b ? -1 : 1));
    // Before the work: a folder of another shape should be told at once.
    folderLayout(path, names);
    const hashes = new Array<string>(names.length);
    let done = 0;
    await inParallel(names.length, async (i) => {
      hashes[i] = createHash('sha256')
        .update(await files.read(names[i]))
        .digest('hex');
      onProgress(`reading ${basename(path)}`, ++done, names.length);
    });
    checkUnchanged(path, stamp);
    const top = commonFolder(names);
    const content = sha256Hex(canonicalJson(names.map((name, i) => [name.slice(top), hashes[i]])));
    await inCache(() => writeFileAtomic(contentPath(stamp), content));
    return content;
  });
}

function checkUnchanged(path: string, stamp: string): void {
  if (stampOf(path) === stamp) return;
  throw inputError(`${path} changed while it was read`, { hint: 'Try again when nothing writes there.' });
}

/** Length of the path of the one folder around everything: what it is called plays no part. */
function commonFolder(names: readonly string[]): number {
  const top = names[0].slice(0, names[0].indexOf('/') + 1);
  return names.every((name) => name.startsWith(top) && name.indexOf('/', top.length) >= 0) ? top.length : 0;
}

/** Decodes what was chosen into the file `to` of the cache, and opens it. */
async function pack({ path, options }: DatasetReference, stamp: string, to: string, onProgress: DatasetProgress) {
  await withImageFiles(path, (files) => {
    const layout = chooseFiles(path, folderLayout(path, files.paths, options.seed), options);
    return packImages(path, files, layout, {
      to,
      size: options.size,
      onProgress: (done, total) => onProgress(`decoding ${basename(path)}`, done, total),
      verify: () => checkUnchanged(path, stamp),
    });
  });
  const packed = openPacked(to);
  if (!packed) throw failedError(`${to} was removed while it was in use`, { hint: 'Try again.' });
  return packed;
}
