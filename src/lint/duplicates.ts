// Images that a dataset's training and test splits share: the very same pixels, or nearly so.
import { createHash } from 'node:crypto';
import { bytesPerImage } from '../core/images.ts';
import type { Dataset, ImageSource } from '../data/dataset.ts';

/** A test image and a training image that are the same, or nearly. */
export interface Twin {
  readonly test: number;
  readonly train: number;
}

export interface SharedImages {
  /** Test images whose pixels a training image has too, each with the first such image. */
  readonly exact: readonly Twin[];
  /** How many of those have another label there. */
  readonly relabelled: number;
  /** Further test images that a training image resembles: difference hashes at most 3 bits apart and correlation 0.99 or more. */
  readonly near: readonly Twin[];
}

const ROWS_PER_READ = 512;
/** Bits of 64 that may differ: with four bands of 16, one band then agrees in full. */
const MOST_BITS = 3;
const LEAST_CORRELATION = 0.99;
/** Largest side of the grey thumbnails on which candidates are compared. */
const SIDE = 32;
/** Side of the coarse grid that tells most candidates apart before they are compared in full. */
const COARSE = 8;

/**
 * Finds shared images: exact ones by SHA-256, near ones by dHash (Krawetz 2013: is each of 8 × 8 cells darker than its right
 * neighbour?) and then by the correlation of grey thumbnails of at most 32 × 32 cells. Pictures without contrast are not compared.
 */
export function findSharedImages({ train, test }: Pick<Dataset, 'train' | 'test'>): SharedImages {
  const prints = { train: fingerprints(train), test: fingerprints(test) };
  const first = new Map<string, number>();
  prints.train.digests.forEach((digest, row) => {
    if (!first.has(digest)) first.set(digest, row);
  });
  const exact: Twin[] = [];
  const rest: number[] = [];
  prints.test.digests.forEach((digest, row) => {
    const same = first.get(digest);
    if (same === undefined) rest.push(row);
    else exact.push({ test: row, train: same });
  });
  return {
    exact,
    relabelled: exact.filter((twin) => test.labels[twin.test] !== train.labels[twin.train]).length,
    near: nearTwins(rest, prints.test, prints.train),
  };
}

interface Fingerprints {
  readonly digests: readonly string[];
  /** Two 32-bit halves of each dHash. */
  readonly hashes: Uint32Array;
  readonly thumbnails: Thumbnails;
}

function fingerprints(source: ImageSource): Fingerprints {
  const bytes = bytesPerImage(source);
  const digests: string[] = [];
  const hashes = new Uint32Array(2 * source.count);
  const thumbnails = new Thumbnails(source);
  const grid = cells(source, 9, 8);
  for (let first = 0; first < source.count; first += ROWS_PER_READ) {
    const length = Math.min(ROWS_PER_READ, source.count - first);
    const pixels = source.read(Int32Array.from({ length }, (_, i) => first + i));
    for (let i = 0; i < length; i++) {
      const image = pixels.subarray(i * bytes, (i + 1) * bytes);
      const row = first + i;
      digests.push(createHash('sha256').update(image).digest('base64'));
      setDifferenceHash(hashes, row, grid(image));
      thumbnails.set(row, image);
    }
  }
  return { digests, hashes, thumbnails };
}

/** Sums of each cell of a `columns` × `rows` grid over an image; every pixel counts in the cell that holds its centre. */
function cells({ height, width, channels }: ImageSource, columns: number, rows: number) {
  const cellOf = new Int32Array(height * width);
  const sizes = new Float64Array(columns * rows);
  for (let i = 0; i < cellOf.length; i++) {
    const y = Math.floor(((Math.floor(i / width) + 0.5) * rows) / height);
    cellOf[i] = y * columns + Math.floor((((i % width) + 0.5) * columns) / width);
    sizes[cellOf[i]] += channels;
  }
  return (image: Uint8Array): Float64Array => {
    const sums = new Float64Array(columns * rows);
    for (let i = 0, at = 0; i < cellOf.length; i++) {
      for (let c = 0; c < channels; c++) sums[cellOf[i]] += image[at++];
    }
    return sums.map((sum, i) => (sizes[i] === 0 ? 0 : sum / sizes[i]));
  };
}

function setDifferenceHash(hashes: Uint32Array, row: number, grid: Float64Array): void {
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      if (grid[y * 9 + x] < grid[y * 9 + x + 1]) hashes[2 * row + (y >> 2)] |= 1 << ((y & 3) * 8 + x);
    }
  }
}

/** Small grey versions of images, kept as bytes. */
class Thumbnails {
  readonly #shrink: (image: Uint8Array) => Float64Array;
  readonly #length: number;
  readonly #levels: Uint8Array;
  readonly #means: Float64Array;
  /** Lengths of the thumbnails as vectors around their means. */
  readonly #lengths: Float64Array;
  /** Which coarse cell each cell lies in, and how many share it. */
  readonly #coarseOf: Int32Array;
  readonly #coarseSizes = new Float64Array(COARSE * COARSE);
  /** Thumbnails of mean 0 and length 1, projected on the coarse cells: no two are farther apart there than in full. */
  readonly #coarse: Float32Array;

  constructor(source: ImageSource) {
    const [columns, rows] = [Math.min(SIDE, source.width), Math.min(SIDE, source.height)];
    this.#shrink = cells(source, columns, rows);
    this.#length = columns * rows;
    this.#coarseOf = Int32Array.from({ length: columns * rows }, (_, i) => {
      const y = Math.floor((Math.floor(i / columns) * COARSE) / rows);
      return y * COARSE + Math.floor(((i % columns) * COARSE) / columns);
    });
    for (const cell of this.#coarseOf) this.#coarseSizes[cell]++;
    this.#coarse = new Float32Array(COARSE * COARSE * source.count);
    this.#levels = new Uint8Array(this.#length * source.count);
    this.#means = new Float64Array(source.count);
    this.#lengths = new Float64Array(source.count);
  }

  set(row: number, image: Uint8Array): void {
    const length = this.#length;
    const grid = this.#shrink(image);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < length; i++) {
      const level = Math.round(grid[i]);
      this.#levels[row * length + i] = level;
      sum += level;
      squares += level * level;
    }
    this.#means[row] = sum / length;
    this.#lengths[row] = Math.sqrt(squares - (sum * sum) / length);
    const coarse = this.#coarse.subarray(row * COARSE * COARSE, (row + 1) * COARSE * COARSE);
    for (let i = 0; i < length; i++) coarse[this.#coarseOf[i]] += this.#levels[row * length + i] - this.#means[row];
    for (let i = 0; i < coarse.length; i++) {
      coarse[i] /= Math.sqrt(Math.max(1, this.#coarseSizes[i])) * Math.max(1, this.#lengths[row]);
    }
  }

  /** Whether the coarse grids alone show that two thumbnails correlate by less than `least`: |a − b|² = 2 (1 − r). */
  static differ(a: Thumbnails, rowA: number, b: Thumbnails, rowB: number, least: number): boolean {
    const [atA, atB] = [rowA * COARSE * COARSE, rowB * COARSE * COARSE];
    // Single precision may be off by a little.
    const most = 2 * (1 - least) + 1e-4;
    let squares = 0;
    for (let i = 0; i < COARSE * COARSE; i++) {
      squares += (a.#coarse[atA + i] - b.#coarse[atB + i]) ** 2;
      if (squares > most) return true;
    }
    return false;
  }

  /** Pearson's correlation of two thumbnails of one size; 0 where one deviates from its mean by less than a grey level. */
  static correlation(a: Thumbnails, rowA: number, b: Thumbnails, rowB: number): number {
    const length = a.#length;
    const least = Math.sqrt(length);
    if (a.#lengths[rowA] < least || b.#lengths[rowB] < least) return 0;
    const [atA, atB] = [rowA * length, rowB * length];
    let sum = 0;
    for (let i = 0; i < length; i++) sum += a.#levels[atA + i] * b.#levels[atB + i];
    return (sum - length * a.#means[rowA] * b.#means[rowB]) / (a.#lengths[rowA] * b.#lengths[rowB]);
  }
}

/** The best match of each test row, where there is one. */
function nearTwins(rows: readonly number[], test: Fingerprints, train: Fingerprints): Twin[] {
  const tables = [0, 1, 2, 3].map((band) => new Bands(train.hashes, band));
  const twins: Twin[] = [];
  for (const row of rows) {
    let best = -1;
    let closest = LEAST_CORRELATION;
    for (const table of tables) {
      for (const other of table.rowsNear(test.hashes, row)) {
        if (Thumbnails.differ(test.thumbnails, row, train.thumbnails, other, closest)) continue;
        const correlation = Thumbnails.correlation(test.thumbnails, row, train.thumbnails, other);
        if (correlation < closest) continue;
        closest = correlation;
        best = other;
      }
    }
    if (best >= 0) twins.push({ test: row, train: best });
  }
  return twins;
}

/** Rows by the 16 bits of one band of their hashes, as one sorted list. */
class Bands {
  readonly #hashes: Uint32Array;
  readonly #band: number;
  readonly #starts = new Int32Array(65_537);
  readonly #rows: Int32Array;

  constructor(hashes: Uint32Array, band: number) {
    this.#hashes = hashes;
    this.#band = band;
    const count = hashes.length / 2;
    this.#rows = new Int32Array(count);
    for (let row = 0; row < count; row++) this.#starts[bandOf(hashes, row, band) + 1]++;
    for (let i = 0; i < 65_536; i++) this.#starts[i + 1] += this.#starts[i];
    const next = this.#starts.slice();
    for (let row = 0; row < count; row++) this.#rows[next[bandOf(hashes, row, band)]++] = row;
  }

  /** The rows that share this band with a row of `hashes`, and whose hash is near enough as a whole. */
  rowsNear(hashes: Uint32Array, row: number): number[] {
    const key = bandOf(hashes, row, this.#band);
    const [low, high] = hashes.subarray(2 * row, 2 * row + 2);
    const near: number[] = [];
    for (let at = this.#starts[key]; at < this.#starts[key + 1]; at++) {
      const other = this.#rows[at];
      if (ones(low ^ this.#hashes[2 * other]) + ones(high ^ this.#hashes[2 * other + 1]) <= MOST_BITS) near.push(other);
    }
    return near;
  }
}

function bandOf(hashes: Uint32Array, row: number, band: number): number {
  return (hashes[2 * row + (band >> 1)] >>> (16 * (band & 1))) & 0xffff;
}

/** Number of set bits of a 32-bit word. */
function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
