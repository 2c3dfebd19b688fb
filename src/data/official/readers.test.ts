import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cifarPart,
  drain,
  gtsrbZips,
  idxFiles,
  idxImages,
  idxLabels,
  level,
  ppm,
  tarOf,
} from '../../../test/support/dataset-files.ts';
import { zipOf } from '../../../test/support/zip-file.ts';
import { TriggerlabError } from '../../core/errors.ts';
import { openCifar } from './cifar-binary.ts';
import { openGtsrb } from './gtsrb-archives.ts';
import { openIdx } from './idx.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-readers-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (content: Buffer, name: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const refused = async (work: () => Promise<unknown>, message: string | RegExp) => {
  const fault = await work().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(TriggerlabError);
  expect(fault).toMatchObject({ kind: 'input', message: expect.stringMatching(message) });
};

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

const LAYOUT = {
  height: 4,
  width: 4,
  channels: 3 as const,
  classes: 3,
  labelBytes: 1,
  parts: ['a.bin', 'b.bin', 'test.bin'],
};
const [a, b, test] = [cifarPart([[0], [2]], 4), cifarPart([[1], [1], [0]], 4, 2), cifarPart([[2]], 4, 5)];
const readCifar = async (tar: Buffer, layout: Parameters<typeof openCifar>[1] = LAYOUT) => {
  const raw = await openCifar(write(tar, 'cifar.tar'), layout);
  return { raw, rows: await drain(raw) };
};
/** Pixels side by side instead of planes. */
const together = (row: number) => Array.from({ length: 48 }, (_, i) => level(row, (i % 3) * 16 + Math.floor(i / 3)));

describe("CIFAR's binary version", () => {
  it('gives every pixel and label in the order of the parts, whatever their order in the archive', async () => {
    for (const names of [
      [a, b, test],
      [test, b, a],
    ].entries()) {
      const [turn, contents] = names;
      const order = turn === 0 ? LAYOUT.parts : LAYOUT.parts.toReversed();
      const tar = await tarOf([
        [{ name: 'cifar/', type: 'directory' }],
        ['cifar/readme.html', Buffer.from('read me')],
        ...order.map((name, i) => [`cifar/${name}`, contents[i]] as const),
      ]);
      for (const packed of [tar, gzipSync(tar)]) {
        const { raw, rows } = await readCifar(packed);
        expect([...raw.trainLabels]).toEqual([0, 2, 1, 1, 0]);
        expect([...raw.testLabels]).toEqual([2]);
        expect(rows.map((row) => [...row])).toEqual([0, 1, 2, 3, 4, 5].map(together));
      }
    }
  });

  it('takes the last of two label bytes', async () => {
    const tar = await tarOf([
      [
        'train.bin',
        cifarPart(
          [
            [9, 1],
            [7, 0],
          ],
          4,
        ),
      ],
      ['test.bin', cifarPart([[0, 2]], 4, 2)],
    ]);
    const { raw, rows } = await readCifar(tar, { ...LAYOUT, labelBytes: 2, parts: ['train.bin', 'test.bin'] });
    expect([[...raw.trainLabels], [...raw.testLabels]]).toEqual([[1, 0], [2]]);
    expect([...rows[2]]).toEqual(together(2));
  });

  type Entries = Parameters<typeof tarOf>[0];
  const whole: Entries = [
    ['x/a.bin', a],
    ['x/b.bin', b],
    ['x/test.bin', test],
  ];
  it.each<[string, Entries, RegExp]>([
    ['a missing part', whole.slice(1), /no a\.bin in it/],
    ['a part twice', [...whole, ['y/a.bin', a]], /a\.bin is there twice/],
    ['half a record', [['a.bin', a.subarray(1)], ...whole.slice(1)], /no whole number of records of 49 bytes/],
    ['an empty part', [['a.bin', Buffer.alloc(0)], ...whole.slice(1)], /no whole number of records/],
    ['a class that is none', [['a.bin', cifarPart([[3]], 4)], ...whole.slice(1)], /label 0 is 3, there are 3 classes/],
    ['a name that climbs out', [...whole, ['../../evil', Buffer.from('x')]], /"\.\.\/\.\.\/evil" points outside/],
    ['an absolute name', [...whole, ['/etc/evil', Buffer.from('x')]], /points outside/],
    [
      'a symbolic link',
      [...whole, [{ name: 'x/link', type: 'symlink', linkname: '/etc/passwd' }]],
      /is a symlink, not a file/,
    ],
    [
      'a symbolic link for a part',
      [[{ name: 'x/a.bin', type: 'symlink', linkname: '/etc/passwd' }], ...whole.slice(1)],
      /is a symlink/,
    ],
    ['a hard link', [...whole, [{ name: 'x/link', type: 'link', linkname: '/etc/passwd' }]], /is a link, not a file/],
    ['a device', [...whole, [{ name: 'x/null', type: 'character-device' }]], /is a character-device/],
  ])('refuses %s', async (_, entries, message) => {
    const tar = await tarOf(entries);
    await refused(() => readCifar(gzipSync(tar)), message);
  });

  it('refuses archives that are cut short, packed to fill the memory, or of another kind', async () => {
    const tar = await tarOf(whole);
    await refused(() => readCifar(tar.subarray(0, 700)), /no intact tar archive/);
    await refused(() => readCifar(gzipSync(tar).subarray(0, -20)), /cannot read.*unexpected end/);
    await refused(() => readCifar(Buffer.from('no archive at all'.repeat(60))), /no intact tar archive/);
    await refused(() => readCifar(Buffer.alloc(0)), /no a\.bin/);
    const bomb = await tarOf([
      ['a.bin', a],
      ['zeros', Buffer.alloc(1.5e8)],
    ]);
    await refused(() => readCifar(gzipSync(bomb)), /unpacks to more than 24\.7 MB/);
    // Says 8 GB, and has nothing.
    const absurd = Buffer.from(tar);
    absurd.write('77777777777', 124);
    let sum = 256;
    for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0 : absurd[i];
    absurd.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    await refused(() => readCifar(absurd), /no whole number of records|no intact tar archive/);
  });
});

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

interface Damage {
  readonly flips: readonly (readonly [number, number])[];
  readonly keep: number | undefined;
  readonly extra: Uint8Array;
}

/** Some bytes changed, cut off or put in. */
const damage = fc.record({
  flips: fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
    maxLength: 6,
  }),
  keep: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  extra: fc.uint8Array({ maxLength: 20 }),
});
function damaged(file: Buffer, how: Damage): Buffer {
  const copy = Buffer.from(file);
  for (const [share, value] of how.flips) copy[Math.floor(share * copy.length)] = value;
  const kept = how.keep === undefined ? copy : copy.subarray(0, Math.floor(how.keep * copy.length));
  return Buffer.concat([kept, how.extra]);
}

describe('1,000 damaged files of each format are read or refused, never a crash', () => {
  const never = async (read: () => Promise<{ rows: Uint8Array[] }>, bytes: number) => {
    try {
      expect((await read()).rows.every((row) => row.length === bytes)).toBe(true);
    } catch (error) {
      if (!(error instanceof TriggerlabError)) throw error;
      expect(error.kind).toBe('input');
    }
  };
  const check = (property: fc.IAsyncProperty<unknown>) => fc.assert(property as never, { numRuns: 1000 });

  it('IDX, packed and not', async () => {
    const packed = idxFiles();
    const plain = packed.map((file) => gunzipSync(file));
    await check(
      fc.asyncProperty(damage, fc.nat(3), fc.boolean(), async (how, which, compressed) => {
        const files = compressed ? packed : plain;
        await never(() => readIdx(files.map((file, i) => (i === which ? damaged(file, how) : file))), 16);
      }) as never,
    );
  });

  it('CIFAR, the tar archive and its compressed form', async () => {
    const tar = await tarOf([
      ['x/a.bin', a],
      ['x/b.bin', b],
      ['x/test.bin', test],
    ]);
    await check(
      fc.asyncProperty(damage, fc.constantFrom('tar', 'packed', 'inside'), async (how, where) => {
        const file = where === 'packed' ? damaged(gzipSync(tar), how) : damaged(tar, how);
        await never(() => readCifar(where === 'inside' ? gzipSync(file) : file), 48);
      }) as never,
    );
  });

  it('GTSRB, each of the archives', async () => {
    const zips = gtsrbZips();
    await check(
      fc.asyncProperty(damage, fc.nat(2), async (how, which) => {
        await never(() => readGtsrb(zips.map((zip, i) => (i === which ? damaged(zip, how) : zip))), 108);
      }) as never,
    );
  });
});
