// Small files in the formats of published datasets, made by hand so that tests can damage them.
import { gzipSync } from 'node:zlib';
import { type Headers, pack } from 'tar-stream';
import type { OfficialDataset, RawImages } from '../../src/data/dataset.ts';
import { openIdx } from '../../src/data/official/idx.ts';
import { zipOf } from './zip-file.ts';

/** A level that depends on everything, so that a pixel in the wrong place is noticed. */
export const level = (row: number, at: number) => (row * 31 + at * 7 + (at >> 5)) % 251;

export function idxImages(count: number, side: number, first = 0): Buffer {
  const head = Buffer.alloc(16);
  [0x0803, count, side, side].forEach((value, i) => {
    head.writeUInt32BE(value, 4 * i);
  });
  const pixels = Buffer.from(
    Array.from({ length: count * side * side }, (_, i) => level(first + Math.floor(i / side ** 2), i % side ** 2)),
  );
  return Buffer.concat([head, pixels]);
}

export function idxLabels(labels: readonly number[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x0801, 0);
  head.writeUInt32BE(labels.length, 4);
  return Buffer.concat([head, Buffer.from(labels)]);
}

/** Six training and four test images of `side` pixels in two classes, as the four files of MNIST. */
export function idxFiles(side = 4): Buffer[] {
  const [train, test] = [
    [0, 1, 1, 0, 1, 0],
    [1, 0, 0, 1],
  ];
  return [idxImages(6, side), idxLabels(train), idxImages(4, side, 6), idxLabels(test)].map((file) => gzipSync(file));
}

/** A published dataset as those files would be one. */
export function tinyOfficial(
  md5: readonly string[],
  from: readonly string[],
  bytes: readonly number[],
): OfficialDataset {
  const names = [
    'train-images-idx3-ubyte.gz',
    'train-labels-idx1-ubyte.gz',
    't10k-images-idx3-ubyte.gz',
    't10k-labels-idx1-ubyte.gz',
  ];
  const shape = { height: 4, width: 4, channels: 1 as const };
  return {
    ...{ name: 'tiny-digits', title: 'Tiny digits', source: 'a test', ...shape, classes: ['a', 'b'], reader: 1 },
    classCounts: { train: [3, 3], test: [2, 2] },
    files: names.map((name, i) => ({ name, bytes: bytes[i], md5: md5[i], from })),
    open: (paths) => openIdx(paths, shape, 2),
  };
}

/** CIFAR's records: label bytes, then planes. */
export function cifarPart(labels: readonly (readonly number[])[], side: number, first = 0): Buffer {
  return Buffer.concat(
    labels.map((bytes, row) =>
      Buffer.from([...bytes, ...Array.from({ length: 3 * side * side }, (_, at) => level(first + row, at))]),
    ),
  );
}

export async function tarOf(entries: readonly (readonly [Headers | string, Buffer?])[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) {
    const full = typeof header === 'string' ? { name: header } : header;
    if (content) archive.entry(full, content);
    else archive.entry(full);
  }
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export function ppm(width: number, height: number, color: readonly number[]): Buffer {
  const pixels = Buffer.from(Array.from({ length: width * height }, () => color).flat());
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);
}

/** Three signs of class 0, two of class 1, two test images; images differ in size. */
export function gtsrbZips(): Buffer[] {
  const head = 'Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n';
  const line = (file: string, label: number) => `${file};9;9;1;1;8;8;${label}\n`;
  const folder = (label: string, colors: readonly number[][]) => {
    const files = colors.map(
      (color, i) => [`${label}_${String(i).padStart(5, '0')}.ppm`, ppm(9 + i, 8 + i, color)] as const,
    );
    return {
      ...Object.fromEntries(files.map(([file, content]) => [`GTSRB/Final_Training/Images/${label}/${file}`, content])),
      [`GTSRB/Final_Training/Images/${label}/GT-${label}.csv`]:
        head + files.map(([file]) => line(file, Number(label))).join(''),
    };
  };
  const training = {
    ...folder('00000', [
      [10, 0, 0],
      [20, 0, 0],
      [30, 0, 0],
    ]),
    ...folder('00001', [
      [0, 40, 0],
      [0, 50, 0],
    ]),
  };
  const test = {
    'GTSRB/Final_Test/Images/00000.ppm': ppm(12, 10, [0, 0, 60]),
    'GTSRB/Final_Test/Images/00001.ppm': ppm(7, 9, [0, 0, 70]),
    'GTSRB/Final_Test/Images/GT-final_test.test.csv': 'Filename\n',
  };
  const truth = { 'GT-final_test.csv': head + line('00000.ppm', 1) + line('00001.ppm', 0) };
  return [zipOf(training, 'deflated'), zipOf(test), zipOf(truth)];
}

/** All rows, each checked to come once. */
export async function drain(raw: RawImages): Promise<Uint8Array[]> {
  const bytes = raw.height * raw.width * raw.channels;
  const rows = new Array<Uint8Array>(raw.trainLabels.length + raw.testLabels.length);
  for await (const { first, pixels } of raw.blocks()) {
    if (pixels.length % bytes !== 0) throw new Error('a block has a part of a row');
    for (let i = 0; i < pixels.length / bytes; i++) {
      if (rows[first + i]) throw new Error(`row ${first + i} came twice`);
      rows[first + i] = pixels.slice(i * bytes, (i + 1) * bytes);
    }
  }
  if (Object.keys(rows).length !== rows.length) throw new Error('a row is missing');
  return rows;
}
