import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { drain, idxFiles, idxImages, idxLabels, level } from '../../../test/support/dataset-files.ts';
import { damaged, inFolder, refused, surviveDamage } from '../../../test/support/hostile.ts';
import { openIdx } from './idx.ts';

const write = inFolder();
const SHAPE = { height: 4, width: 4, channels: 1 as const };
const readIdx = async (files: readonly Buffer[]) => {
  const raw = await openIdx(
    files.map((file, i) => write(file, `idx-${i}`)),
    SHAPE,
    2,
  );
  return { raw, rows: await drain(raw) };
};

describe('IDX', () => {
  it('gives every pixel and label, packed or not', async () => {
    for (const files of [idxFiles(), idxFiles().map((file) => gunzipSync(file))]) {
      const { raw, rows } = await readIdx(files);
      expect([...raw.trainLabels]).toEqual([0, 1, 1, 0, 1, 0]);
      expect([...raw.testLabels]).toEqual([1, 0, 0, 1]);
      expect(rows.map((row) => [...row])).toEqual(
        Array.from({ length: 10 }, (_, row) => Array.from({ length: 16 }, (_pixel, at) => level(row, at))),
      );
    }
  });

  const [trainImages, trainLabels, testImages, testLabels] = idxFiles();
  const header = (...numbers: number[]) =>
    Buffer.concat(
      numbers.map((value) => {
        const word = Buffer.alloc(4);
        word.writeUInt32BE(value);
        return word;
      }),
    );
  it.each<[string, Buffer[], RegExp]>([
    ['files in another order', [trainLabels, trainImages, testImages, testLabels], /no IDX file of labels/],
    ['labels for images', [trainLabels, trainLabels, testImages, testLabels], /no IDX file of images/],
    ['the wrong labels', [trainImages, testLabels, testImages, trainLabels], /6 images, but 4 labels/],
    [
      'a class that is none',
      [trainImages, idxLabels([0, 1, 2, 0, 1, 0]), testImages, testLabels],
      /label 2 is 2, there are 2/,
    ],
    ['larger images', [idxImages(6, 5), trainLabels, testImages, testLabels], /5 × 5 pixels, expected 4 × 4/],
    ['smaller images', [idxImages(6, 3), trainLabels, testImages, testLabels], /3 × 3 pixels, expected 4 × 4/],
    [
      'a header that asks for 2³² images',
      [header(0x803, 0xffffffff, 4, 4), trainLabels, testImages, testLabels],
      /4294967295 images, but 6/,
    ],
    [
      'a header that asks for 2³² labels',
      [trainImages, header(0x801, 0xffffffff), testImages, testLabels],
      /says 4294967295 labels, it has 0/,
    ],
    ['nothing', [Buffer.alloc(0), trainLabels, testImages, testLabels], /no IDX file of images/],
    [
      'images cut short',
      [gunzipSync(trainImages).subarray(0, 100), trainLabels, testImages, testLabels],
      /ends after 5 of 6 images/,
    ],
    [
      'an archive cut short',
      [trainImages.subarray(0, -12), trainLabels, testImages, testLabels],
      /cannot read.*unexpected end/,
    ],
    [
      'a wrong sum',
      [Buffer.from([...trainImages.subarray(0, -8), 1, 2, 3, 4, 5, 6, 7, 8]), trainLabels, testImages, testLabels],
      /cannot read/,
    ],
    [
      'more after the last image',
      [Buffer.concat([gunzipSync(trainImages), Buffer.from('x')]), trainLabels, testImages, testLabels],
      /goes on after its 6 images/,
    ],
    [
      'labels that unpack to 100 MB',
      [trainImages, gzipSync(Buffer.alloc(1e8)), testImages, testLabels],
      /unpacks to more than 1\.0 MB/,
    ],
    [
      'images that unpack to 100 MB',
      [gzipSync(Buffer.concat([header(0x803, 6, 4, 4), Buffer.alloc(1e8)])), trainLabels, testImages, testLabels],
      /goes on after its 6 images|unpacks to more than 16\.0 MB/,
    ],
  ])('refuses %s', async (_, files, message) => {
    await refused(() => readIdx(files), message);
  });
});

it('reads or refuses 1,000 damaged files, compressed and not', async () => {
  const packed = idxFiles();
  const plain = packed.map((file) => gunzipSync(file));
  await surviveDamage(16, (how, variant) => {
    const files = variant % 2 === 0 ? packed : plain;
    return readIdx(files.map((file, i) => (i === variant >> 1 ? damaged(file, how) : file)));
  });
});
