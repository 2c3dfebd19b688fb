// What a dataset is to the rest of the program: labelled 8-bit images of one size, read by row.
import { bytesPerImage, type ImageShape } from '../core/images.ts';

/** One split. Pixels are read by row so that a source may live in memory, in a packed file or in a graph cache. */
export interface ImageSource extends ImageShape {
  readonly count: number;
  /** Class index of each row, length `count`. */
  readonly labels: Uint16Array;
  /**
   * Pixels of the given rows one after another (HWC, 0-255), into `out` when given.
   * @throws RangeError for a row that is no whole number in [0, count), or when `out` is too short.
   */
  read(rows: ArrayLike<number>, out?: Uint8Array): Uint8Array;
}

export interface Dataset {
  readonly name: string;
  readonly classes: readonly string[];
  readonly train: ImageSource;
  readonly test: ImageSource;
}

/** Images of each class. */
export interface ClassCounts {
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/** Told now and then what is being done, and how many images of how many are through. */
export type DatasetProgress = (text: string, done: number, total: number) => void;

/** A line of the dataset registry. */
export interface DatasetDefinition extends ImageShape {
  readonly name: string;
  readonly title: string;
  /** Where the images come from and under which licence. */
  readonly source: string;
  readonly classes: readonly string[];
  readonly trainCount: number;
  readonly testCount: number;
  readonly classCounts: ClassCounts;
  /** Names the exact pixels, labels and split: part of every run's identity. Changes whenever one of them does. */
  readonly fingerprint: string;
  /** Where a dataset that is not part of triggerlab comes from. */
  readonly official?: OfficialDataset;
  /**
   * Where its rows lie once they are packed; of a part of a published dataset those of the whole. Built-in datasets have
   * no such file.
   * @throws TriggerlabError (input) for a dataset that has to be pulled first.
   */
  packedFile?(): string;
  /** @throws TriggerlabError (input) for a dataset that has to be pulled first. */
  load(onProgress?: DatasetProgress): Promise<Dataset>;
}

/** A file of a dataset as it was published. */
export interface OfficialFile {
  readonly name: string;
  readonly bytes: number;
  /** As published by the dataset's authors or with torchvision. */
  readonly md5: string;
  /** Addresses of the folders that have it, in the order in which they are tried. */
  readonly from: readonly string[];
}

/** What is fixed of a dataset that somebody else published, whether it is here or not. */
export interface OfficialDataset extends ImageShape {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly classes: readonly string[];
  readonly classCounts: ClassCounts;
  readonly files: readonly OfficialFile[];
  /** Raised whenever the same files begin to give other rows or other pixels. */
  readonly reader: number;
  /**
   * Reads the rows of its files, given in the order of `files`. Where images differ in size all are resized to `side`
   * pixels, both sides; elsewhere they come as they are.
   * @throws TriggerlabError (input) naming the file that is damaged or of another kind.
   */
  open(paths: readonly string[], side: number): Promise<RawImages>;
}

/** Rows as they lie in somebody's files, to be packed. */
export interface RawImages extends ImageShape {
  readonly trainLabels: Uint16Array;
  readonly testLabels: Uint16Array;
  /**
   * The pixels of every row once, in any order; test rows are counted on from the training rows.
   * @throws TriggerlabError (input) naming the file that is damaged.
   */
  blocks(): AsyncIterable<RowBlock>;
}

/** Pixels of whole consecutive rows. */
export interface RowBlock {
  readonly first: number;
  readonly pixels: Uint8Array;
}

/** How many images of each of `classes` classes there are. */
export function countLabels(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}

/** All row numbers of a source, in order. */
export function everyRow({ count }: Pick<ImageSource, 'count'>): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}

/** An ImageSource over pixels held in memory (`pixels.length` = labels.length · bytes per image). */
export function memorySource(shape: ImageShape, pixels: Uint8Array, labels: Uint16Array): ImageSource {
  const bytes = bytesPerImage(shape);
  if (pixels.length !== labels.length * bytes) {
    throw new RangeError(
      `memorySource: ${labels.length} images of ${bytes} bytes need ${labels.length * bytes} bytes, got ${pixels.length}`,
    );
  }
  return {
    height: shape.height,
    width: shape.width,
    channels: shape.channels,
    count: labels.length,
    labels,
    read(rows, out = new Uint8Array(rows.length * bytes)) {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i];
        if (!(Number.isInteger(row) && row >= 0 && row < labels.length)) {
          throw new RangeError(`read: row ${row} is not a whole number in [0, ${labels.length})`);
        }
        out.set(pixels.subarray(row * bytes, (row + 1) * bytes), i * bytes);
      }
      return out;
    },
  };
}
