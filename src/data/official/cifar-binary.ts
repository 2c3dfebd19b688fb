// Reader of CIFAR's binary version: records of one or two label bytes, then the red, the green and the blue plane.
import { inputError } from '../../core/errors.ts';
import { formatBytes } from '../../core/format.ts';
import { bytesPerImage, type ImageShape } from '../../core/images.ts';
import { tarFiles } from '../../core/tar.ts';
import type { RawImages, RowBlock } from '../dataset.ts';
import { records } from '../row-blocks.ts';

export interface CifarLayout extends ImageShape {
  readonly classes: number;
  /** Label bytes before the pixels; the last of them counts (CIFAR-100 has the coarse class first). */
  readonly labelBytes: number;
  /** File names of the parts in the order of their rows; the last one holds the test rows. */
  readonly parts: readonly string[];
}

const MAX_ROWS_PER_PART = 100_000;
const OTHER_FILES = 10_000_000;

interface Part {
  readonly rows: number;
  readonly labels: Uint16Array;
}

/**
 * The images of a tar archive in CIFAR's binary version, compressed or not. It is read twice: for the labels, then for
 * the pixels.
 * @throws TriggerlabError (input) for a damaged archive, one of another version, or one with other records.
 */
export async function openCifar(path: string, layout: CifarLayout): Promise<RawImages> {
  const { height, width, channels, parts } = layout;
  const found = new Map<string, Part>();
  for await (const { name, rows, blocks } of partsOf(path, layout)) {
    if (found.has(name)) throw wrong(path, `${name} is there twice`, layout);
    const labels = new Uint16Array(rows);
    for await (const { first, labels: some } of blocks) labels.set(some, first);
    found.set(name, { rows, labels });
  }
  const missing = parts.filter((name) => !found.has(name));
  if (missing.length > 0) throw wrong(path, `no ${missing.join(', ')} in it`, layout);
  const inOrder = parts.flatMap((name) => found.get(name) ?? []);
  const firstRows = new Map(parts.map((name, i) => [name, sumRows(inOrder.slice(0, i))]));
  const trainRows = sumRows(inOrder.slice(0, -1));
  const all = new Uint16Array(sumRows(inOrder));
  inOrder.forEach(({ labels }, i) => {
    all.set(labels, firstRows.get(parts[i]));
  });
  return {
    ...{ height, width, channels },
    trainLabels: all.slice(0, trainRows),
    testLabels: all.slice(trainRows),
    async *blocks(): AsyncGenerator<RowBlock> {
      for await (const { name, blocks } of partsOf(path, layout)) {
        for await (const { first, pixels } of blocks) yield { first: (firstRows.get(name) ?? 0) + first, pixels };
      }
    },
  };
}

function sumRows(parts: readonly Part[]): number {
  return parts.reduce((sum, { rows }) => sum + rows, 0);
}

interface OpenPart {
  readonly name: string;
  readonly rows: number;
  readonly blocks: AsyncIterable<RowBlock & { readonly labels: Uint16Array }>;
}

async function* partsOf(path: string, layout: CifarLayout): AsyncGenerator<OpenPart> {
  const { labelBytes, parts } = layout;
  const record = labelBytes + bytesPerImage(layout);
  const maxBytes = parts.length * MAX_ROWS_PER_PART * record + OTHER_FILES;
  for await (const { name: whole, bytes, content } of tarFiles(path, maxBytes)) {
    const name = whole.slice(whole.lastIndexOf('/') + 1);
    if (!parts.includes(name)) continue;
    if (bytes === 0 || bytes % record !== 0 || bytes > MAX_ROWS_PER_PART * record) {
      throw wrong(path, `${name} has ${formatBytes(bytes)}, no whole number of records of ${record} bytes`, layout);
    }
    yield { name, rows: bytes / record, blocks: readPart(path, name, records(content, record), layout) };
  }
}

async function* readPart(path: string, name: string, blocks: AsyncIterable<Uint8Array>, layout: CifarLayout) {
  const { labelBytes, classes, height, width, channels } = layout;
  const area = height * width;
  const record = labelBytes + area * channels;
  let first = 0;
  for await (const block of blocks) {
    const rows = block.length / record;
    const labels = new Uint16Array(rows);
    const pixels = new Uint8Array(rows * area * channels);
    for (let i = 0; i < rows; i++) {
      labels[i] = block[i * record + labelBytes - 1];
      if (labels[i] >= classes) {
        throw wrong(path, `${name}: label ${first + i} is ${labels[i]}, there are ${classes} classes`, layout);
      }
      for (let c = 0; c < channels; c++) {
        const plane = i * record + labelBytes + c * area;
        const to = i * area * channels + c;
        for (let at = 0; at < area; at++) pixels[to + at * channels] = block[plane + at];
      }
    }
    yield { first, labels, pixels };
    first += rows;
  }
}

function wrong(path: string, what: string, { parts }: CifarLayout) {
  return inputError(`${path}: ${what}`, {
    hint: `Give the binary version as published (not the one for Python or Matlab): a .tar.gz with ${parts.join(', ')}.`,
  });
}
