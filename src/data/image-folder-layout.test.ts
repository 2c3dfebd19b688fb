import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TriggerlabError } from '../core/errors.ts';
import { countLabels } from './dataset.ts';
import { withImageFiles } from './image-folder-files.ts';
import { chooseFiles, folderLayout } from './image-folder-layout.ts';

/** `counts` images in each folder. */
const files = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).flatMap(([folder, count]) =>
    Array.from({ length: count }, (_, i) => `${folder}/${String(i).padStart(4, '0')}.png`),
  );
const whole = { 'train/cat': 30, 'train/ant': 20, 'test/cat': 6, 'test/ant': 4 };

describe('folderLayout', () => {
  it('sorts classes and files by name', () => {
    const layout = folderLayout('x', files(whole).reverse());
    expect(layout.classes).toEqual(['ant', 'cat']);
    expect(layout.train).toHaveLength(50);
    expect(layout.train[0]).toEqual({ path: 'train/ant/0000.png', label: 0 });
    expect(layout.test[9]).toEqual({ path: 'test/cat/0005.png', label: 1 });
  });
  it.each(['val', 'valid', 'validation', 'Val', 'test'])('takes %s/ for the test images', (name) => {
    const layout = folderLayout('x', files({ 'train/a': 2, 'train/b': 2, [`${name}/a`]: 1, [`${name}/b`]: 1 }));
    expect(layout.test.map(({ path }) => path)).toEqual([`${name}/a/0000.png`, `${name}/b/0000.png`]);
  });
  it('leaves one folder around everything out', () => {
    const inside = files(whole).map((path) => `top/${path}`);
    expect(folderLayout('x', inside).train.map(({ path }) => path)).toEqual(
      folderLayout('x', files(whole)).train.map(({ path }) => `top/${path}`),
    );
    expect(folderLayout('x', files({ 'top/a': 10, 'top/b': 10 })).classes).toEqual(['a', 'b']);
  });
  it('prefers test/ to val/', () => {
    const both = files({ 'train/a': 2, 'train/b': 2, 'test/a': 1, 'test/b': 1, 'val/a': 5, 'val/b': 5 });
    expect(folderLayout('x', both).test).toHaveLength(2);
  });
  it('takes any name for a class', () => {
    const odd = files({ constructor: 5, __proto__x: 5, toString: 5 });
    expect(folderLayout('x', odd).classes).toEqual(['__proto__x', 'constructor', 'toString']);
    expect(
      folderLayout(
        'x',
        odd.map((path) => `constructor/${path}`),
      ).train,
    ).toHaveLength(12);
  });
  it('knows a class called train', () => {
    expect(folderLayout('x', files({ train: 10, test: 10, bus: 10 })).classes).toEqual(['bus', 'test', 'train']);
  });
  it('splits classes alone 80 : 20, each in proportion and always alike', () => {
    const paths = files({ a: 50, b: 100 });
    const layout = folderLayout('x', paths);
    expect([layout.train.length, layout.test.length]).toEqual([120, 30]);
    expect(layout.test.filter(({ label }) => label === 0)).toHaveLength(10);
    expect([...layout.train, ...layout.test].map(({ path }) => path).sort()).toEqual(paths.sort());
    expect(folderLayout('y', [...paths].reverse())).toEqual(layout);
    // Not simply the last ones.
    expect(layout.test.some(({ path }) => path < 'a/0040.png')).toBe(true);
  });
  it.each([
    [{}, 'no images in it'],
    [{ 'train/a': 2, 'train/b': 2 }, 'no test/ or val/ beside train/'],
    [{ 'test/a': 2, 'test/b': 2 }, 'no train/'],
    [{ 'train/a': 2, 'train/b': 2, 'test/a': 2 }, 'no images of the class b in test/'],
    [{ 'train/a': 2, 'val/a': 2, 'val/b': 2 }, 'no images of the class b in train/'],
    [{ 'train/a': 2, 'test/a': 2 }, 'one class only: a'],
    [{ a: 5 }, 'one class only: a'],
    [{ ...whole, extra: 1 }, 'extra/0000.png is in no class folder'],
    [{ ...whole, 'extra/a': 1 }, 'extra/a/0000.png is in no class folder'],
    [{ ...whole, 'train/a/b': 1 }, 'train/a/b/0000.png is in no class folder'],
    [{ a: 9, 'b/c': 9 }, 'b/c/0000.png is in no class folder'],
    [{ a: 1, b: 9 }, 'the class a has too few images to be split: 1'],
  ])('refuses %j', (counts, message) => {
    expect(() => folderLayout('x', files(counts as Record<string, number>))).toThrowError(
      expect.objectContaining({ kind: 'input', message: expect.stringContaining(`x: ${message}`) }),
    );
  });
  it('answers any paths with a layout of some of them or an error for the user', () => {
    const part = fc.constantFrom('train', 'test', 'val', 'a', 'b', 'c', '', '__proto__', 'constructor');
    const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `${parts.join('/')}/x.png`);
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 40 }), (paths) => {
        try {
          const { classes, train, test } = folderLayout('x', paths);
          const used = [...train, ...test].map((file) => file.path);
          expect(new Set(used).size).toBe(used.length);
          expect(paths).toEqual(expect.arrayContaining(used));
          for (const rows of [train, test]) expect(new Set(rows.map(({ label }) => label)).size).toBe(classes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(TriggerlabError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('chooseFiles', () => {
  const layout = folderLayout('x', files({ 'train/a': 300, 'train/b': 100, 'test/a': 30, 'test/b': 10 }));
  it('keeps the shares of the classes, the order, and smaller choices within larger ones', () => {
    const large = chooseFiles('x', layout, { train: 200, test: 20 });
    const small = chooseFiles('x', layout, { train: 40 });
    expect(large.train.filter(({ label }) => label === 1)).toHaveLength(50);
    expect(large.test).toHaveLength(20);
    expect(small.test).toEqual(layout.test);
    expect(large.train).toEqual(expect.arrayContaining([...small.train]));
    const paths = large.train.map(({ path }) => path);
    expect(paths).toEqual([...paths].sort());
    expect(paths).not.toEqual(layout.train.slice(0, 200).map(({ path }) => path));
  });
  it('refuses more than there are, and classes that would be empty', () => {
    expect(() => chooseFiles('x', layout, { train: 401 })).toThrow('there are 400 train images');
    expect(() => chooseFiles('x', layout, { test: 1 })).toThrow('leaves no image of the class b');
  });
});

const REAL = fileURLToPath(new URL('../../../shared/data/cifar10-jpeg-subset.zip', import.meta.url));
it.skipIf(!existsSync(REAL))('reads the layout of a real archive (skipped unless ../shared/data has it)', async () => {
  const { classes, train, test } = await withImageFiles(REAL, async ({ paths }) => folderLayout(REAL, paths));
  expect(classes).toEqual('airplane automobile bird cat deer dog frog horse ship truck'.split(' '));
  const count = (files: typeof train) =>
    countLabels(
      files.map(({ label }) => label),
      10,
    );
  expect([count(train), count(test)]).toEqual([new Array(10).fill(2500), new Array(10).fill(1000)]);
});
