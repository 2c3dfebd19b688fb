// Pictures that a classifier is examined with: any folder or archive of them, with labels where its folders are classes.
import { createHash } from 'node:crypto';
import { inputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { type ImageSource, memorySource } from './dataset.ts';
import { decodeImage } from './decode-image.ts';
import { inParallel } from './decoded-blocks.ts';
import { withImageFiles } from './image-folder-files.ts';
import { resizeImage } from './resize-image.ts';

/** The label of a picture whose class is not known: that of no class. */
export const UNLABELLED = 65_535;

export interface ExaminedImages {
  /** Labels are indices into `classes`, or `UNLABELLED`. */
  readonly source: ImageSource;
  /** Names of the folders that the labels come from; empty where there are none. */
  readonly classes: readonly string[];
  /** Pictures that there were to choose from. */
  readonly found: number;
  /** SHA-256 over paths and contents of those taken. */
  readonly sha256: string;
  /** Where each picture lies in the folder or archive; of a dataset, its row. */
  readonly names: readonly string[];
  /** Whether the reading was ended before all that were wanted had been read. */
  readonly cut: boolean;
}

export interface WantedImages {
  readonly side: number;
  readonly limit: number;
  readonly seed: number;
  /** Asked before each picture but the first: true ends the reading. Pictures are read in the order of the draw, so those read are drawn too. */
  readonly stop?: (() => boolean) | undefined;
}

/** What the pictures may take in memory. */
const MOST_BYTES = 512_000_000;

const SPLITS = ['test', 'val', 'valid', 'validation'];
/** Folders inside a class folder that say nothing (as in Tiny ImageNet). */
const PLAIN = new Set(['images']);

/**
 * Reads at most `limit` pictures (and half a gigabyte), drawn by the seed, resized to `side` × `side` (both sides, triangle filter as PIL's `BILINEAR`).
 * Of a folder with test/ (or val/) and train/ the former is used. The folder that a picture lies in is its class where there
 * are at least two such folders.
 * @throws TriggerlabError (input) when there are none, or naming the one that is damaged.
 */
export async function examinedImages(
  path: string,
  { side, limit, seed, stop }: WantedImages,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ExaminedImages> {
  return withImageFiles(path, async (files) => {
    const paths = heldOut([...files.paths].sort((a, b) => (a < b ? -1 : 1)));
    if (paths.length === 0) {
      throw inputError(`${path}: no images in it`, { hint: 'JPEG, PNG, WebP, PPM and PGM files are read.' });
    }
    const folders = paths.map(folderOf);
    const names = [...new Set(folders)].sort((a, b) => (a < b ? -1 : 1));
    const classes = names.length > 1 ? names : [];
    const bytes = 3 * side * side;
    const most = Math.min(limit, Math.max(1, Math.floor(MOST_BYTES / bytes)));
    const drawn = Rng.of(seed, 'examined-images').permutation(paths.length).slice(0, most);
    const places = new Map(Array.from(drawn.slice().sort(), (at, place) => [at, place]));
    const pixels = new Uint8Array(drawn.length * bytes);
    const hashes = new Map<number, string>();
    await inParallel(drawn.length, async (i) => {
      if (i > 0 && stop?.()) return;
      const at = drawn[i];
      const content = await files.read(paths[at]);
      const image = resizeImage(await decodeImage(content, `${path}: ${paths[at]}`), side, side);
      pixels.set(image.pixels, (places.get(at) ?? 0) * bytes);
      hashes.set(at, createHash('sha256').update(content).digest('hex'));
      onProgress(hashes.size, drawn.length);
    });
    const read = [...hashes.keys()].sort((a, b) => a - b);
    const content = createHash('sha256');
    read.forEach((at, i) => {
      const from = (places.get(at) ?? 0) * bytes;
      pixels.copyWithin(i * bytes, from, from + bytes);
      content.update(`${paths[at]}\0${hashes.get(at)}\n`);
    });
    const labels = Uint16Array.from(read, (at) => (classes.length > 0 ? classes.indexOf(folders[at]) : UNLABELLED));
    return {
      source: memorySource({ height: side, width: side, channels: 3 }, pixels.subarray(0, read.length * bytes), labels),
      ...{ classes, found: paths.length, sha256: content.digest('hex') },
      ...{ names: read.map((at) => paths[at]), cut: read.length < drawn.length },
    };
  });
}

/** The pictures of test/ or val/ where there are such folders beside others, else all. */
function heldOut(paths: readonly string[]): readonly string[] {
  for (const split of SPLITS) {
    const own = paths.filter((path) => path.toLowerCase().split('/').slice(0, -1).slice(0, 2).includes(split));
    if (own.length > 0 && own.length < paths.length) return own;
  }
  return paths;
}

function folderOf(path: string): string {
  const parts = path.split('/').slice(0, -1);
  return parts.filter((part) => !PLAIN.has(part.toLowerCase())).at(-1) ?? '';
}

/** At most `limit` rows of a source, drawn by the seed. `sha256` is what its content is known by. */
export function partOf(
  source: ImageSource,
  classes: readonly string[],
  sha256: string,
  { limit, seed }: { readonly limit: number; readonly seed: number },
): ExaminedImages {
  const rows = Rng.of(seed, 'examined-images').permutation(source.count).slice(0, limit).sort();
  const labels = Uint16Array.from(rows, (row) => source.labels[row]);
  return {
    source: memorySource(source, source.read(rows), labels),
    ...{ classes, found: source.count, sha256, names: Array.from(rows, (row) => `row ${row}`), cut: false },
  };
}
