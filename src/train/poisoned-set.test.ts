import { describe, expect, it } from 'vitest';
import type { Image } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { type ImageSource, memorySource } from '../data/dataset.ts';
import { inputImage } from '../data/input-image.ts';
import { badnetsParameters, patchTrigger } from '../triggers/badnets.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { withTrigger } from './poisoned-set.ts';

const SHAPE = { height: 6, width: 6, channels: 3 } as const;
const BYTES = 108;
const COUNT = 40;

function source(): ImageSource {
  const rng = Rng.of(0, 'pixels');
  const pixels = Uint8Array.from({ length: COUNT * BYTES }, () => rng.int(1, 200));
  const labels = Uint16Array.from({ length: COUNT }, (_, row) => row % 10);
  return memorySource(SHAPE, pixels, labels);
}

const trigger = (parameters: object): Trigger =>
  patchTrigger(badnetsParameters.parse({ size: 0.4, color: 'white', ...parameters }), SHAPE);
const image = (from: ImageSource, row: number) => from.read([row]);
const every = Array.from({ length: COUNT }, (_, row) => row);

describe('withTrigger on native pixels', () => {
  const rows = [3, 17, 39];

  it('changes the poisoned rows and their labels, and nothing else', async () => {
    const clean = source();
    const before = clean.read(every).slice();
    const poisoned = await withTrigger(clean, trigger({}), rows, { seed: 1, split: 'train', target: 7 });
    expect(poisoned).toMatchObject({ ...SHAPE, count: COUNT });
    for (const row of every) {
      const changed = rows.includes(row);
      const expected = image(clean, row).slice();
      // 0.4 of 6 pixels: 2, in the lower right corner.
      if (changed)
        for (const y of [4, 5]) for (const x of [4, 5]) expected.fill(255, (y * 6 + x) * 3, (y * 6 + x + 1) * 3);
      expect(image(poisoned, row), `row ${row}`).toEqual(expected);
      expect(poisoned.labels[row]).toBe(changed ? 7 : row % 10);
    }
    expect(every.every((row) => poisoned.overlay(row) === undefined)).toBe(true);
    expect(clean.read(every)).toEqual(before);
    expect(clean.labels).toEqual(source().labels);
  });

  it('reads rows in any order, many times, into a buffer too', async () => {
    const poisoned = await withTrigger(source(), trigger({}), rows, { seed: 1, split: 'train' });
    const wanted = [17, 0, 3, 17];
    const out = new Uint8Array(5 * BYTES);
    expect(poisoned.read(wanted, out)).toBe(out);
    wanted.forEach((row, i) => {
      expect(out.subarray(i * BYTES, (i + 1) * BYTES)).toEqual(image(poisoned, row));
    });
    expect([...out.subarray(4 * BYTES)].every((level) => level === 0)).toBe(true);
    poisoned.read([17]).fill(0);
    expect(image(poisoned, 17)).toEqual(out.subarray(0, BYTES));
  });

  it('without a target leaves the labels alone', async () => {
    expect((await withTrigger(source(), trigger({}), every, { seed: 1, split: 'test' })).labels).toEqual(
      source().labels,
    );
  });

  it('with no rows is the source', async () => {
    const none = await withTrigger(source(), trigger({}), [], { seed: 1, split: 'train', target: 0 });
    expect(none.read(every)).toEqual(source().read(every));
    expect(none.labels).toEqual(source().labels);
  });
});

describe('random positions', () => {
  const random = trigger({ position: 'random' });
  const at = (rows: number[], seed: number, split: 'train' | 'test') =>
    withTrigger(source(), random, rows, { seed, split });

  it('belong to seed, split and row, not to which other rows are poisoned', async () => {
    const few = await at([5, 9], 1, 'train');
    const many = await at(every, 1, 'train');
    for (const row of [5, 9]) expect(image(few, row)).toEqual(image(many, row));
    const moved = (other: ImageSource) => every.filter((row) => image(other, row).join() !== image(many, row).join());
    expect(moved(await at(every, 1, 'train'))).toEqual([]);
    expect(moved(await at(every, 2, 'train')).length).toBeGreaterThan(COUNT / 2);
    expect(moved(await at(every, 1, 'test')).length).toBeGreaterThan(COUNT / 2);
  });
});

const INPUT = { height: 32, width: 32, channels: 3 } as const;

describe('withTrigger at input size', () => {
  const input = (position: string): Trigger =>
    patchTrigger(badnetsParameters.parse({ size: 0.25, position, stampAt: 'input' }), INPUT);

  it('leaves the pixels alone and says what lies over them', async () => {
    const poisoned = await withTrigger(source(), input('top-right'), [2, 4], { seed: 1, split: 'train', target: 0 });
    expect(poisoned.read(every)).toEqual(source().read(every));
    const rgba = new Uint8Array(4 * 32 * 32);
    for (let y = 0; y < 8; y++) rgba.fill(255, 4 * (y * 32 + 24), 4 * (y * 32 + 32));
    expect([2, 3, 4].map((row) => poisoned.overlay(row))).toEqual([rgba, undefined, rgba]);
    expect([poisoned.labels[2], poisoned.labels[3], poisoned.labels[4]]).toEqual([0, 3, 0]);
  });

  it('draws each row its own place inside the image, always the same', async () => {
    const random = await withTrigger(source(), input('random'), every, { seed: 1, split: 'train' });
    const drawn = every.map((row) => String(random.overlay(row)));
    for (const over of drawn) expect(over.split(',').filter((byte) => byte === '255')).toHaveLength(4 * 64);
    expect(new Set(drawn).size).toBeGreaterThan(30);
    expect(every.map((row) => String(random.overlay(row)))).toEqual(drawn);
    const few = await withTrigger(source(), input('random'), [8], { seed: 1, split: 'train' });
    expect(String(few.overlay(8))).toBe(drawn[8]);
  });

  // Adds a number of the row's stream to every level: no pattern that could be blended.
  const shift = (image: Image, rng: Rng) => {
    const by = rng.int(1, 50);
    image.pixels.forEach((level, i) => {
      image.pixels[i] = level + by;
    });
  };
  const base = { stampAt: 'input', shape: INPUT } as const;
  const kinds: readonly [string, Trigger][] = [
    ['one at a time', { ...base, apply: shift }],
    [
      'many at once',
      { ...base, applyAll: async (images, streams) => images.forEach((one, i) => void shift(one, streams[i])) },
    ],
  ];
  it.each(kinds)('triggers without a pattern get the resized image, %s', async (_, own) => {
    const poisoned = await withTrigger(source(), own, [2, 7], { seed: 1, split: 'test' });
    expect(poisoned.overlay(3)).toBeUndefined();
    for (const row of [2, 7]) {
      const { pixels } = inputImage({ ...SHAPE, pixels: image(source(), row) }, { inputSize: 32 });
      const by = Rng.of(1, 'trigger', 'test', row).int(1, 50);
      const rgba = poisoned.overlay(row) ?? [];
      expect(rgba).toHaveLength(4 * 32 * 32);
      expect([...rgba].filter((_byte, i) => i % 4 < 3)).toEqual([...pixels].map((level) => level + by));
      expect([...rgba].every((byte, i) => i % 4 < 3 || byte === 255)).toBe(true);
    }
  });
});

describe('withTrigger by a trigger that stamps many at once', () => {
  it('on native pixels', async () => {
    const invert: Trigger = {
      ...{ stampAt: 'native', shape: SHAPE },
      async applyAll(images) {
        for (const { pixels } of images) pixels.forEach((level, i) => void pixels.fill(255 - level, i, i + 1));
      },
    };
    const poisoned = await withTrigger(source(), invert, [1], { seed: 1, split: 'train' });
    expect(image(poisoned, 1)).toEqual(image(source(), 1).map((level) => 255 - level));
    expect(image(poisoned, 2)).toEqual(image(source(), 2));
  });
});
