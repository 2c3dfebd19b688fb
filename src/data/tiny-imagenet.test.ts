import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drain } from '../../test/support/dataset-files.ts';
import { damaged, surviveDamage } from '../../test/support/hostile.ts';
import { type Files, zipOf } from '../../test/support/zip-file.ts';
import { halve, loadTinyImageNet, openTinyImageNet } from './tiny-imagenet.ts';

const REAL = fileURLToPath(new URL('../../../shared/data/tiny-imagenet-200-subset.zip', import.meta.url));
const [A, B] = ['n01000001', 'n02000002'];
const TOP = 'tiny-imagenet-200/';

let folder: string;
let files: Files;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'triggerlab-zip-'));
  files = {
    [`${TOP}wnids.txt`]: `${B}\n${A}\n`,
    [`${TOP}train/${A}/${A}_boxes.txt`]: 'n',
    [`${TOP}train/${A}/images/${A}_10.JPEG`]: await jpeg([40, 40, 40]),
    [`${TOP}train/${A}/images/${A}_2.JPEG`]: await jpeg([200, 30, 60]),
    [`${TOP}train/${B}/images/${B}_0.JPEG`]: await jpeg([0, 0, 255]),
    [`${TOP}train/${B}/images/${B}_1.JPEG`]: await greyJpeg(),
    [`${TOP}val/val_annotations.txt`]: `val_1.JPEG\t${B}\t0\t0\t9\t9\nval_0.JPEG\t${A}\t0\t0\t9\t9\n`,
    [`${TOP}val/images/val_0.JPEG`]: await jpeg([10, 10, 10]),
    [`${TOP}val/images/val_1.JPEG`]: await jpeg([250, 250, 250]),
  };
});
afterAll(() => rm(folder, { recursive: true }));

describe('loadTinyImageNet', () => {
  it('reads classes, training rows by number and validation rows as annotated', async () => {
    const seen: string[] = [];
    const dataset = await loadTinyImageNet(await zipFile(files), {
      size: 64,
      onProgress: (done, total) => seen.push(`${done}/${total}`),
    });
    expect(dataset.classes).toEqual([A, B]);
    expect([...dataset.train.labels]).toEqual([0, 0, 1, 1]);
    expect([...dataset.test.labels]).toEqual([1, 0]);
    expect(dataset.train).toMatchObject({ height: 64, width: 64, channels: 3, count: 4 });
    const first = (row: number) => [...dataset.train.read([row]).subarray(0, 3)];
    near(first(0), [200, 30, 60]);
    near(first(1), [40, 40, 40]);
    near(first(2), [0, 0, 255]);
    near([...dataset.test.read([0]).subarray(0, 3)], [250, 250, 250]);
    near([...dataset.test.read([1]).subarray(0, 3)], [10, 10, 10]);
    expect(seen).toEqual(['6/6']);
  });

  it('makes grey images RGB and halves by the mean of 2 × 2', async () => {
    const path = await zipFile(files);
    const [full, half] = [await loadTinyImageNet(path, { size: 64 }), await loadTinyImageNet(path, { size: 32 })];
    const grey = full.train.read([3]);
    expect(grey.every((level, i) => level === grey[i - (i % 3)])).toBe(true);
    near([grey[0], grey[63 * 3]], [0, 252]);
    expect(half.train).toMatchObject({ height: 32, width: 32, channels: 3 });
    expect(half.train.read([3])).toEqual(halve(grey, 64));
  });

  it('takes the first images of each class, without a top folder too', async () => {
    const flat = Object.fromEntries(Object.entries(files).map(([name, data]) => [name.slice(TOP.length), data]));
    const dataset = await loadTinyImageNet(await zipFile(flat), { size: 32, trainPerClass: 1 });
    near([...dataset.train.read([0]).subarray(0, 3)], [200, 30, 60]);
    expect([...dataset.train.labels]).toEqual([0, 1]);
  });

  const mistakes: [string, (files: Files) => Files | Promise<Files>, RegExp][] = [
    ['no wnids.txt', (f) => without(f, 'wnids.txt'), /no wnids\.txt/],
    ['two wnids.txt', (f) => ({ ...f, 'wnids.txt': A }), /several lists/],
    ['an odd class name', (f) => ({ ...f, [`${TOP}wnids.txt`]: `${A}\n../x\n` }), /"\.\.\/x" is no WordNet id/],
    ['a class twice', (f) => ({ ...f, [`${TOP}wnids.txt`]: `${A}\n${A}\n` }), /names a class twice/],
    ['a single class', (f) => ({ ...f, [`${TOP}wnids.txt`]: A }), /1 classes, 2 to 1000 expected/],
    [
      'a class without images',
      (f) => ({ ...f, [`${TOP}wnids.txt`]: `${A}\n${B}\nn03000003` }),
      /no images in .*n03000003/,
    ],
    ['no annotations', (f) => without(f, 'val/val_annotations.txt'), /no .*val_annotations\.txt/],
    ['empty annotations', (f) => ({ ...f, [`${TOP}val/val_annotations.txt`]: '\n' }), /is empty/],
    ['a missing image', (f) => without(f, 'val/images/val_0.JPEG'), /line 2: no image .*val_0\.JPEG/],
    [
      'an image annotated twice',
      (f) => ({ ...f, [`${TOP}val/val_annotations.txt`]: `val_0.JPEG\t${A}\nval_0.JPEG\t${B}` }),
      /line 2: .*named before/,
    ],
    [
      'an unknown class in the annotations',
      (f) => ({ ...f, [`${TOP}val/val_annotations.txt`]: 'val_0.JPEG\tn09999999' }),
      /line 1: no class/,
    ],
    [
      'an annotation that points elsewhere',
      (f) => ({ ...f, [`${TOP}val/val_annotations.txt`]: `../../wnids.txt\t${A}` }),
      /line 1: no image/,
    ],
    ['an image that is none', (f) => ({ ...f, [`${TOP}val/images/val_0.JPEG`]: 'text' }), /cannot decode .*val_0/],
    [
      'half an image',
      async (f) => {
        const whole = await greyJpeg();
        return { ...f, [`${TOP}val/images/val_0.JPEG`]: whole.subarray(0, whole.length / 2) };
      },
      /cannot decode .*val_0/,
    ],
    [
      'a small image',
      async (f) => ({ ...f, [`${TOP}val/images/val_0.JPEG`]: await jpeg([0, 0, 0], 63, 64) }),
      /val_0\.JPEG is 63 × 64 pixels/,
    ],
    [
      'a huge image',
      async (f) => ({ ...f, [`${TOP}val/images/val_0.JPEG`]: await jpeg([0, 0, 0], 4000, 4000) }),
      /cannot decode .*pixel limit/,
    ],
    [
      'an absurdly long image file',
      (f) => ({ ...f, [`${TOP}val/images/val_0.JPEG`]: Buffer.alloc(1_000_001) }),
      /is 1000001 bytes long, at most 1000000/,
    ],
  ];
  it.each(mistakes)('refuses %s', async (_what, change, message) => {
    const path = await zipFile(await change(files));
    await expect(loadTinyImageNet(path, { size: 32 })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(message),
    });
  });

  it.each([0, 1.5, 3])('refuses %s training images per class of two', async (trainPerClass) => {
    const path = await zipFile(files);
    await expect(loadTinyImageNet(path, { size: 32, trainPerClass })).rejects.toMatchObject({ kind: 'input' });
  });

  it.skipIf(!existsSync(REAL))(
    `reads the real archive (skipped unless ../shared/data/tiny-imagenet-200-subset.zip exists beside the project)`,
    async () => {
      const dataset = await loadTinyImageNet(REAL, { size: 32, trainPerClass: 1 });
      expect([dataset.classes.length, dataset.train.count, dataset.test.count]).toEqual([200, 200, 10_000]);
      expect(dataset.classes).toContain('n02124075');
      expect([...dataset.train.labels]).toEqual([...Array(200).keys()]);
      expect(dataset.classes.every((_, c) => dataset.test.labels.filter((label) => label === c).length === 50)).toBe(
        true,
      );
      const pixels = dataset.train.read(Int32Array.from({ length: 200 }, (_, row) => row));
      const mean = pixels.reduce((sum, level) => sum + level, 0) / pixels.length;
      expect(mean).toBeGreaterThan(95);
      expect(mean).toBeLessThan(135);
    },
  );
});

it('reads or refuses 1,000 damaged archives', async () => {
  const whole = zipOf(files);
  await surviveDamage(64 * 64 * 3, async (how) => {
    const path = join(folder, 'damaged.zip');
    await writeFile(path, damaged(whole, how));
    return { rows: await drain((await openTinyImageNet(path, { size: 64 })).images) };
  });
});

describe('halve', () => {
  it('rounds the mean of four to nearest, halves up', () => {
    const grey = (levels: number[]) => Uint8Array.from(levels.flatMap((level) => [level, level, 255]));
    const image = grey([0, 1, 255, 255, 0, 0, 255, 254, 1, 1, 7, 0, 0, 0, 0, 0]);
    expect([...halve(image, 4)]).toEqual([...grey([0, 255, 1, 2])]);
  });
});

function near(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, level] of actual.entries()) expect(Math.abs(level - expected[i])).toBeLessThanOrEqual(4);
}

function without(all: Files, name: string): Files {
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== TOP + name));
}

function jpeg([r, g, b]: readonly number[], width = 64, height = 64): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .jpeg({ quality: 100 })
    .toBuffer();
}

/** A one-channel JPEG that runs from 0 at the left to 252 at the right. */
function greyJpeg(): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 64 * 64 }, (_, i) => 4 * (i % 64));
  return sharp(pixels, { raw: { width: 64, height: 64, channels: 1 } })
    .toColourspace('b-w')
    .jpeg({ quality: 100 })
    .toBuffer();
}

let archives = 0;
async function zipFile(content: Files): Promise<string> {
  const path = join(folder, `${archives++}.zip`);
  await writeFile(path, zipOf(content));
  return path;
}
