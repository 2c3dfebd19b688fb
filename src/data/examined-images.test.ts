import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ppm } from '../../test/support/dataset-files.ts';
import { examinedImages, UNLABELLED } from './examined-images.ts';

const folder = mkdtempSync(join(tmpdir(), 'examined-'));
afterAll(() => rmSync(folder, { recursive: true }));

function made(name: string, files: Record<string, Buffer>): string {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return join(folder, name);
}

const read = (path: string, limit = 100) => examinedImages(path, { side: 8, limit, seed: 0 });

describe('images to examine a classifier with', () => {
  it('have the labels of their folders, and any size', async () => {
    const path = made('classes', {
      'cat/a.ppm': ppm(10, 12, [250, 0, 0]),
      'cat/b.ppm': ppm(8, 8, [250, 0, 0]),
      'dog/a.ppm': ppm(30, 9, [0, 0, 250]),
    });
    const { source, classes, found, sha256 } = await read(path);
    expect([classes, found, source.count]).toEqual([['cat', 'dog'], 3, 3]);
    expect([...source.labels].sort()).toEqual([0, 0, 1]);
    source.labels.forEach((label, row) => {
      expect([...source.read([row]).subarray(0, 3)]).toEqual(label === 0 ? [250, 0, 0] : [0, 0, 250]);
    });
    expect((await read(path)).sha256).toBe(sha256);
    expect((await read(path, 2)).source.count).toBe(2);
    expect((await read(path, 2)).sha256).not.toBe(sha256);
  });

  it('are as many as there is time for, drawn all the same', async () => {
    const pictures = Array.from({ length: 40 }, (_, i) => [`${i % 2}/${i}.ppm`, ppm(8, 8, [i, i, i])] as const);
    const path = made('many', Object.fromEntries(pictures));
    let asked = 0;
    const stop = () => ++asked > 5;
    const some = await examinedImages(path, { side: 8, limit: 100, seed: 0, stop });
    const { count } = some.source;
    expect([some.cut, some.found]).toEqual([true, 40]);
    expect(count).toBeGreaterThan(4);
    expect(count).toBeLessThan(15);
    expect(new Set(some.source.labels).size).toBe(2);
    const wanted = await read(path, count);
    expect(wanted.cut).toBe(false);
    expect([some.sha256, some.names]).toEqual([wanted.sha256, wanted.names]);
    const rows = Array.from({ length: count }, (_, row) => row);
    expect(some.source.read(rows)).toEqual(wanted.source.read(rows));
  });

  it('need no labels', async () => {
    const path = made('flat', { 'a.ppm': ppm(8, 8, [1, 2, 3]), 'b.ppm': ppm(8, 8, [1, 2, 3]) });
    const { source, classes } = await read(path);
    expect(classes).toEqual([]);
    expect([...source.labels]).toEqual([UNLABELLED, UNLABELLED]);
  });

  it('are those held out where a folder is split; a folder called images is no class', async () => {
    const path = made('split', {
      'train/n01/images/a.ppm': ppm(8, 8, [1, 1, 1]),
      'train/n02/images/a.ppm': ppm(8, 8, [2, 2, 2]),
      'val/n01/images/a.ppm': ppm(8, 8, [3, 3, 3]),
      'val/n02/images/a.ppm': ppm(8, 8, [4, 4, 4]),
    });
    const { source, classes, found } = await read(path);
    expect([classes, found]).toEqual([['n01', 'n02'], 2]);
    expect([...source.read([0, 1])].every((value) => value >= 3)).toBe(true);
  });

  it('are refused when there are none, or one is damaged', async () => {
    await expect(read(made('empty', { 'read.me': Buffer.from('x') }))).rejects.toThrow(/no images/);
    await expect(read(join(folder, 'nowhere'))).rejects.toMatchObject({ kind: 'input' });
    await expect(read(made('damaged', { 'a.png': Buffer.from('no picture') }))).rejects.toThrow(/a\.png/);
  });
});
