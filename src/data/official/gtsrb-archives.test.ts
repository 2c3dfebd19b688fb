import { describe, expect, it } from 'vitest';
import { drain, gtsrbZips, ppm } from '../../../test/support/dataset-files.ts';
import { damaged, inFolder, refused, surviveDamage } from '../../../test/support/hostile.ts';
import { zipOf } from '../../../test/support/zip-file.ts';
import { openGtsrb } from './gtsrb-archives.ts';

const write = inFolder();
const readGtsrb = async (zips: readonly Buffer[], side = 6) => {
  const raw = await openGtsrb(
    zips.map((zip, i) => write(zip, `gtsrb-${i}.zip`)),
    side,
    2,
  );
  return { raw, rows: await drain(raw) };
};

describe('GTSRB', () => {
  it('gives every sign at the size asked for', async () => {
    for (const side of [6, 16]) {
      const { raw, rows } = await readGtsrb(gtsrbZips(), side);
      expect([...raw.trainLabels]).toEqual([0, 0, 0, 1, 1]);
      expect([...raw.testLabels]).toEqual([1, 0]);
      const colors = [
        [10, 0, 0],
        [20, 0, 0],
        [30, 0, 0],
        [0, 40, 0],
        [0, 50, 0],
        [0, 0, 60],
        [0, 0, 70],
      ];
      expect(rows.map((row) => [row.length, ...row.subarray(0, 3)])).toEqual(
        colors.map((color) => [3 * side * side, ...color]),
      );
    }
  });

  const [training, testing, truth] = gtsrbZips();
  const head = 'Filename;Width;Height;ClassId\n';
  const folderOf = (list: string, images: Record<string, Buffer> = {}) =>
    zipOf({ 'T/00000/GT-00000.csv': list, 'T/00000/1.ppm': ppm(4, 4, [1, 1, 1]), ...images });
  it.each<[string, Buffer[], RegExp]>([
    ['archives in another order', [testing, training, truth], /no lists GT-00000\.csv/],
    ['test images without their list', [training, testing, testing], /no GT-final_test\.csv/],
    ['a list without columns', [folderOf('a;b\n1.ppm;0\n'), testing, truth], /no columns Filename and ClassId/],
    ['an empty list', [folderOf(head), testing, truth], /is empty/],
    [
      'a class that is none',
      [folderOf(`${head}1.ppm;4;4;2\n`), testing, truth],
      /line 2: class "2", there are the classes 0 to 1/,
    ],
    ['a list that climbs out', [folderOf(`${head}../1.ppm;4;4;0\n`), testing, truth], /"\.\.\/1\.ppm" is no image/],
    ['an image that is missing', [folderOf(`${head}2.ppm;4;4;0\n`), testing, truth], /no image T\/00000\/2\.ppm/],
    ['an image named twice', [folderOf(`${head}1.ppm;4;4;0\n1.ppm;4;4;0\n`), testing, truth], /or named before/],
    [
      'an image in no list',
      [folderOf(`${head}1.ppm;4;4;0\n`, { 'T/00000/2.ppm': ppm(1, 1, [0, 0, 0]) }), testing, truth],
      /2\.ppm is in no list/,
    ],
    [
      'an image of 2³⁶ pixels',
      [
        zipOf({ 'T/00000/GT-00000.csv': `${head}1.ppm;4;4;0\n`, 'T/00000/1.ppm': 'P6 262144 262144 255 x' }),
        testing,
        truth,
      ],
      /cannot decode.*1\.ppm: it has too many pixels/,
    ],
    [
      'an image of 2²² pixels',
      [
        zipOf({ 'T/00000/GT-00000.csv': `${head}1.ppm;4;4;0\n`, 'T/00000/1.ppm': 'P6 2048 2048 255 x' }),
        testing,
        truth,
      ],
      /too many pixels/,
    ],
    [
      'an image cut short',
      [
        zipOf({
          'T/00000/GT-00000.csv': `${head}1.ppm;4;4;0\n`,
          'T/00000/1.ppm': ppm(4, 4, [1, 1, 1]).subarray(0, 40),
        }),
        testing,
        truth,
      ],
      /it is truncated/,
    ],
    [
      'an image that unpacks to 5 MB',
      [
        zipOf({ 'T/00000/GT-00000.csv': `${head}1.ppm;4;4;0\n`, 'T/00000/1.ppm': Buffer.alloc(5e6) }, 'deflated'),
        testing,
        truth,
      ],
      /5000000 bytes long, at most 4000000/,
    ],
    ['names that climb out', [zipOf({ '../evil.ppm': 'x' }), testing, truth], /damaged or unsafe zip archive/],
    ['an archive cut short', [training.subarray(0, -30), testing, truth], /zip archive/],
  ])('refuses %s', async (_, zips, message) => {
    await refused(() => readGtsrb(zips), message);
  });
});

it('reads or refuses 1,000 damaged archives', async () => {
  const zips = gtsrbZips();
  await surviveDamage(108, (how, variant) =>
    readGtsrb(zips.map((zip, i) => (i === variant % 3 ? damaged(zip, how) : zip))),
  );
});
