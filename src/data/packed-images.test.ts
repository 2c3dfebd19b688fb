import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RawImages } from './dataset.ts';
import { openPacked, writePacked } from './packed-images.ts';
import { resizedImages } from './row-blocks.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-packed-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Rows of one level each, handed out two by two and backwards. */
const raw = (levels: readonly number[], train: number): RawImages => ({
  ...{ height: 2, width: 2, channels: 3 },
  trainLabels: Uint16Array.from(levels.slice(0, train), (_, i) => i % 2),
  testLabels: Uint16Array.from(levels.slice(train), (_, i) => (i + 1) % 2),
  async *blocks() {
    for (let first = 2 * Math.floor((levels.length - 1) / 2); first >= 0; first -= 2) {
      const some = levels.slice(first, first + 2);
      yield { first, pixels: Uint8Array.from(some.flatMap((level) => new Array(12).fill(level))) };
    }
  },
});

it('gives back what was written, whatever the order of the blocks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(255), { minLength: 2, maxLength: 30 }), fc.nat(), async (levels, some) => {
      const train = 1 + (some % (levels.length - 1));
      const path = join(folder, 'a.images');
      const seen: number[] = [];
      await writePacked(path, ['x', 'y'], raw(levels, train), (done) => seen.push(done));
      expect(seen.at(-1)).toBe(levels.length);
      const packed = openPacked(path);
      expect(packed).toMatchObject({ trainCount: train, testCount: levels.length - train, classes: ['x', 'y'] });
      const all = (source: NonNullable<typeof packed>['train']) =>
        Array.from({ length: source.count }, (_, row) => source.read([row])[11]);
      expect([...all(packed?.train as never), ...all(packed?.test as never)]).toEqual(levels);
      expect(packed?.test.labels.every((label, i) => label === (i + 1) % 2)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

it('leaves nothing when rows are missing or damaged', async () => {
  const path = join(folder, 'b.images');
  const short: RawImages = { ...raw([1, 2, 3], 2), async *blocks() {} };
  await expect(writePacked(path, ['x', 'y'], short)).rejects.toThrow('0 of 3 rows came');
  const broken: RawImages = {
    ...short,
    async *blocks() {
      yield { first: 0, pixels: new Uint8Array(12) };
      throw new Error('damaged');
    },
  };
  await expect(writePacked(path, ['x', 'y'], broken)).rejects.toThrow('damaged');
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

it('takes a damaged file for none, or for one that can be read', async () => {
  const path = join(folder, 'c.images');
  await writePacked(path, ['x', 'y'], raw([1, 2, 3, 4], 3));
  const whole = readFileSync(path);
  const other = join(folder, 'd.images');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 4 * 12), fc.nat(255)), { maxLength: 4 }),
      fc.option(fc.nat(whole.length), { nil: undefined }),
      (flips, end) => {
        const copy = Buffer.from(whole);
        for (const [at, value] of flips) copy[at] = value;
        writeFileSync(other, end === undefined ? copy : copy.subarray(0, end));
        const packed = openPacked(other);
        if (!packed) return;
        for (const { count, labels, read } of [packed.train, packed.test]) {
          expect(labels).toHaveLength(count);
          expect(labels.every((label) => typeof packed.classes[label] === 'string')).toBe(true);
          if (count > 0) read([count - 1]);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

it('resizes every row on its way', async () => {
  const larger = resizedImages(raw([7, 8, 9], 2), 5);
  expect(larger).toMatchObject({ height: 5, width: 5, channels: 3 });
  const rows: [number, number][] = [];
  for await (const { first, pixels } of larger.blocks()) {
    for (let i = 0; i < pixels.length / 75; i++) rows.push([first + i, pixels[75 * i + 74]]);
  }
  expect(rows.sort(([a], [b]) => a - b)).toEqual([
    [0, 7],
    [1, 8],
    [2, 9],
  ]);
  const same = raw([1, 2], 1);
  expect(resizedImages(same, 2)).toBe(same);
});
