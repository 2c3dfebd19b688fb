import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { zipOf } from '../../test/support/zip-file.ts';
import { parseDatasetReference } from '../core/references.ts';
import { openImageFolder } from './image-folder.ts';

type Content = Record<string, Buffer>;

let folder: string;
let images: Content;

/** A PNG (or what the name ends in) of one colour. */
function picture(name: string, side: number, [r, g, b]: readonly number[]): Promise<Buffer> {
  const made = sharp({ create: { width: side, height: side, channels: 3, background: { r, g, b } } });
  return name.endsWith('.webp')
    ? made.webp({ lossless: true }).toBuffer()
    : name.endsWith('.jpg')
      ? made.jpeg({ quality: 100 }).toBuffer()
      : made.png().toBuffer();
}

beforeAll(async () => {
  images = {};
  for (const [c, name] of ['ant', 'bee', 'cat'].entries()) {
    for (let i = 0; i < 10; i++) images[`train/${name}/${i}.png`] = await picture('png', 12, [80 * c, 20 * i, 7]);
    for (let i = 0; i < 4; i++) images[`test/${name}/${i}.jpg`] = await picture('.jpg', 12, [80 * c, 20 * i, 200]);
  }
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-folder-'));
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function unpack(name: string, content: Content): string {
  for (const [path, bytes] of Object.entries(content)) {
    mkdirSync(dirname(join(folder, name, path)), { recursive: true });
    writeFileSync(join(folder, name, path), bytes);
  }
  return join(folder, name);
}

function zip(name: string, content: Content): string {
  writeFileSync(join(folder, name), zipOf(content, 'deflated'));
  return join(folder, name);
}

const open = (name: string) => openImageFolder(parseDatasetReference(name));
const cached = () => readdirSync(join(folder, 'cache', 'datasets')).filter((name) => name.endsWith('.images'));

describe('openImageFolder', () => {
  it('reads an archive: classes by name, rows by class and path, RGB', async () => {
    const definition = await open(zip('x.zip', images));
    expect(definition).toMatchObject({
      classes: ['ant', 'bee', 'cat'],
      ...{ height: 12, width: 12, channels: 3, trainCount: 30, testCount: 12, title: 'images of x.zip' },
    });
    const { train, test } = await definition.load();
    expect([...train.labels]).toEqual([0, 1, 2].flatMap((label) => new Array<number>(10).fill(label)));
    // Row 13 is train/bee/3.png; rows may come in any order.
    const pixels = train.read([29, 13]);
    expect([...pixels.subarray(0, 3)]).toEqual([160, 180, 7]);
    expect([...pixels.subarray(432, 435)]).toEqual([80, 60, 7]);
    expect(
      test
        .read([11])
        .subarray(0, 3)
        .every((value, i) => Math.abs(value - [160, 60, 200][i]) <= 3),
    ).toBe(true);
    expect(() => train.read([30])).toThrow(RangeError);
    expect(() => train.read([-1])).toThrow(RangeError);
    expect(() => train.read([0.5])).toThrow(RangeError);
  });

  it('gives a folder, an archive and an archive of the folder one fingerprint, another content another', async () => {
    const inside = Object.fromEntries(Object.entries(images).map(([path, bytes]) => [`top/${path}`, bytes]));
    const noise = {
      '.DS_Store': Buffer.from('x'),
      '__MACOSX/train/ant/0.png': Buffer.from('x'),
      'README.md': Buffer.from('x'),
    };
    const same = [unpack('x', { ...images, ...noise }), zip('x.zip', images), zip('y.zip', { ...inside, ...noise })];
    const prints = await Promise.all(same.map(async (path) => (await open(path)).fingerprint));
    expect(new Set(prints).size).toBe(1);
    expect(cached()).toHaveLength(1);
    const swapped = { ...images, 'train/ant/0.png': images['train/bee/9.png'] };
    const renamed = { ...images, 'train/ant/00.png': images['train/ant/0.png'] };
    delete (renamed as Content)['train/ant/0.png'];
    const others = [zip('a.zip', swapped), zip('b.zip', renamed), `${same[0]}?train=29`, `${same[0]}?size=12`];
    const all = await Promise.all(others.map(async (path) => (await open(path)).fingerprint));
    expect(new Set([...all, prints[0]]).size).toBe(5);
  });

  it('takes subsets and resizes', async () => {
    const definition = await open(`${zip('x.zip', images)}?train=15&test=6&size=24`);
    expect(definition).toMatchObject({ trainCount: 15, testCount: 6, height: 24, width: 24 });
    const { train } = await definition.load();
    expect([0, 1, 2].map((c) => train.labels.filter((label) => label === c).length)).toEqual([5, 5, 5]);
    expect(train.read([7]).subarray(0, 3)).toEqual(train.read([7]).subarray(-3));
  });

  it('splits a folder of classes by itself', async () => {
    const classes = Object.fromEntries(
      Object.entries(images).flatMap(([path, bytes]) => (path.startsWith('train/') ? [[path.slice(6), bytes]] : [])),
    );
    expect(await open(unpack('x', classes))).toMatchObject({ trainCount: 24, testCount: 6 });
  });

  it('reads JPEG, PNG, WebP, PPM and PGM, grey and with alpha', async () => {
    const grey = Buffer.concat([Buffer.from('P5\n# made by hand\n8 8\n255\n'), Buffer.alloc(64, 77)]);
    const rgb = Buffer.concat([Buffer.from('P6 8 8 127 '), Buffer.alloc(192, 127)]);
    const raw = sharp(Buffer.alloc(64, 50), { raw: { width: 8, height: 8, channels: 1 } });
    const formats: Content = {
      '0.pgm': grey,
      '1.ppm': rgb,
      '2.webp': await picture('.webp', 8, [1, 2, 3]),
      '3.png': await raw.clone().toColourspace('b-w').png().toBuffer(),
      '4.jpeg': await raw.clone().toColourspace('b-w').jpeg({ quality: 100 }).toBuffer(),
      '5.png': await sharp({
        create: { width: 8, height: 8, channels: 4, background: { r: 9, g: 8, b: 7, alpha: 0.5 } },
      })
        .png()
        .toBuffer(),
      '6.PNG': await sharp(Buffer.alloc(192, 200), { raw: { width: 8, height: 8, channels: 3 } })
        .toColourspace('rgb16')
        .png()
        .toBuffer(),
    };
    const content = Object.fromEntries(
      ['train/a', 'train/b', 'test/a', 'test/b'].flatMap((path) =>
        Object.entries(formats).map(([name, bytes]) => [`${path}/${name}`, bytes]),
      ),
    );
    const { train } = await (await open(unpack('x', content))).load();
    const firsts = Array.from({ length: 7 }, (_, row) => [...train.read([row]).subarray(0, 3)]);
    expect(firsts).toEqual([
      [77, 77, 77],
      [255, 255, 255],
      [1, 2, 3],
      [50, 50, 50],
      [50, 50, 50],
      [9, 8, 7],
      [200, 200, 200],
    ]);
  });

  it('decodes once, also when several open it at the same time, and again when a file changes or the cache is damaged', async () => {
    const path = unpack('x', images);
    let told = 0;
    const count = async () => {
      told = 0;
      return openImageFolder(parseDatasetReference(path), () => told++);
    };
    const both = await Promise.all([open(path), open(path)]);
    expect(both[0].fingerprint).toBe(both[1].fingerprint);
    expect((await count()).fingerprint).toBe(both[0].fingerprint);
    expect(told).toBe(0);
    truncateSync(join(folder, 'cache', 'datasets', cached()[0]), 2000);
    expect([...(await (await count()).load()).train.read([29]).subarray(0, 3)]).toEqual([160, 180, 7]);
    expect(told).toBe(42);
    writeFileSync(join(path, 'train/ant/0.png'), images['train/bee/9.png']);
    expect((await count()).fingerprint).not.toBe(both[0].fingerprint);
    expect(told).toBe(84);
    expect(readdirSync(join(folder, 'cache', 'datasets')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('what an image folder may not be', () => {
  const refused = async (name: string, message: string, hint = '') => {
    await expect(open(name)).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    expect(readdirSync(folder).includes('cache') ? cached() : []).toEqual([]);
  };
  it('missing, a file of another kind, or an empty one', async () => {
    await refused(join(folder, 'no'), 'no such file or folder', 'working folder');
    writeFileSync(join(folder, 'net.onnx'), 'x');
    await refused(join(folder, 'net.onnx'), 'neither a folder nor a .zip file', 'under model');
    writeFileSync(join(folder, 'x.zip'), '');
    await refused(join(folder, 'x.zip'), 'cannot open', 'complete .zip');
    mkdirSync(join(folder, 'none'));
    await refused(join(folder, 'none'), 'no images in it', 'An image folder has');
  });
  it('with an odd image: of another size, truncated, no image at all', async () => {
    const odd = await picture('png', 13, [0, 0, 0]);
    const path = zip('a.zip', { ...images, 'train/bee/4.png': odd });
    await refused(path, 'train/bee/4.png is 13 × 13 pixels, train/ant/0.png 12 × 12', 'size=');
    const jpeg = images['test/cat/2.jpg'];
    await refused(zip('b.zip', { ...images, 'test/cat/2.jpg': jpeg.subarray(0, jpeg.length / 2) }), 'cannot decode');
    await refused(unpack('c', { ...images, 'test/cat/3.jpg': Buffer.from('text') }), 'test/cat/3.jpg', 'Replace');
    await refused(zip('d.zip', { ...images, 'train/ant/x.ppm': Buffer.from('P6 9999999 9999999 255 ') }), 'x.ppm');
    await refused(zip('e.zip', { ...images, 'train/ant/x.ppm': Buffer.from('P6 12 12 255 abc') }), 'it is truncated');
    await refused(zip('f.zip', { ...images, 'train/ant/x.bmp': Buffer.from('BM') }), 'x.bmp is in a format', 'PNG');
  });
  it('with an empty class or links', async () => {
    const path = unpack('a', images);
    mkdirSync(join(path, 'train', 'dog'));
    await refused(path, 'no images in the folder train/dog');
    const linked = unpack('b', images);
    writeFileSync(join(folder, 'secret.png'), images['train/ant/0.png']);
    symlinkSync(join(folder, 'secret.png'), join(linked, 'train/ant/link.png'));
    await refused(linked, 'train/ant/link.png is a symbolic link');
    const looped = unpack('c', images);
    symlinkSync(looped, join(looped, 'train/again'));
    await refused(looped, 'train/again is a symbolic link');
    // The folder itself may be reached through one.
    symlinkSync(unpack('d', images), join(folder, 'e'));
    expect(await open(join(folder, 'e'))).toMatchObject({ trainCount: 30 });
  });
  it('an archive that unpacks to far more than its size', async () => {
    const bomb = Buffer.alloc(49_000_000);
    await refused(
      zip('x.zip', { ...images, 'train/ant/a.png': bomb, 'train/ant/b.png': bomb, 'test/ant/c.png': bomb }),
      'would unpack to 147.0 MB',
    );
    await expect(open(zip('y.zip', { ...images, 'train/ant/a.png': Buffer.alloc(51_000_000) }))).rejects.toThrow(
      'at most 50000000',
    );
  });
  it('an image of more pixels than memory is for', async () => {
    const plain = await sharp({ create: { width: 6000, height: 6000, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await refused(zip('x.zip', { ...images, 'train/ant/a.png': plain }), 'cannot decode', 'Replace');
  });
  it('more images than there are', async () => {
    await refused(`${zip('x.zip', images)}?train=31`, 'train=31, but there are 30 train images', 'Take 30 or fewer');
  });
});
