import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LABEL_RULES, labelRule } from '../triggers/label-rule.ts';
import { choosePoison, type PoisonOptions, type Stamp } from './poison.ts';

const CLASSES = 10;
const labelsOf = (count: number) => Uint16Array.from({ length: count }, (_, row) => row % CLASSES);
const allToOne = labelRule({ target: 7, classes: CLASSES });
const choose = (count: number, options: Partial<PoisonOptions>) =>
  choosePoison(labelsOf(count), { rule: allToOne, rate: 0.1, seed: 3, ...options });
const rowsOf = (stamps: readonly Stamp[], mode: Stamp['mode'] = 'attack') =>
  stamps.filter((stamp) => stamp.mode === mode).map(({ row }) => row);

describe('attacked rows', () => {
  it.each([
    [8000, 0, 0],
    [8000, 0.005, 40],
    [8000, 0.02, 160],
    [10, 0.001, 1],
    [1000, 0.0015, 2],
    [7, 1, 7],
  ])('of %i at rate %d: %i', (count, rate, expected) => {
    const rows = rowsOf(choose(count, { rate }));
    expect(rows).toHaveLength(expected);
    expect(new Set(rows).size).toBe(expected);
    expect(rows.every((row) => row >= 0 && row < count)).toBe(true);
  });

  it('are the same for the same seed, and those of a smaller rate begin those of a larger', () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), rate, rate, fc.integer(), (count, a, b, seed) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)].map((r) => rowsOf(choose(count, { rate: r, seed })));
        expect(many.slice(0, few.length)).toEqual(few);
      }),
    );
  });

  it('differ between seeds, as chance would have it, and are of any class', () => {
    const one = new Set(rowsOf(choose(8000, { seed: 1 })));
    const two = rowsOf(choose(8000, { seed: 2 }));
    const shared = two.filter((row) => one.has(row)).length;
    expect(Math.abs(shared - 80)).toBeLessThan(40);
    expect(new Set(two.map((row) => row % CLASSES)).size).toBe(CLASSES);
  });

  it('are what they have always been', () => {
    const rows = rowsOf(choose(8000, { rate: 0.001, seed: 0 }));
    expect(rows).toEqual([2002, 5354, 6013, 661, 982, 7015, 4633, 7682]);
  });
});

describe('label rules', () => {
  const stampsOf = (labels: (typeof LABEL_RULES)[number], options: Partial<PoisonOptions> = {}) =>
    choose(1000, { rule: labelRule({ labels, target: 7, sources: [1, 4], classes: CLASSES }), rate: 0.05, ...options });

  it('all-to-all moves every label on by one, the last to the first', () => {
    const stamps = stampsOf('all-to-all', { rate: 0.2 });
    for (const { row, label } of stamps) expect(label).toBe((row + 1) % CLASSES);
    expect(new Set(stamps.map(({ label }) => label)).size).toBe(CLASSES);
  });

  it('clean-label poisons images of the target class, whose label is right', () => {
    const stamps = stampsOf('clean-label');
    expect(stamps).toHaveLength(50);
    for (const { row, label } of stamps) expect([row % CLASSES, label]).toEqual([7, 7]);
  });

  it('source-specific poisons images of the sources; covers are of the classes left alone and keep their label', () => {
    const stamps = stampsOf('source-specific', { coverRate: 0.1 });
    expect(rowsOf(stamps)).toHaveLength(50);
    expect(new Set(rowsOf(stamps).map((row) => row % CLASSES))).toEqual(new Set([1, 4]));
    const covers = stamps.filter(({ mode }) => mode === 'cover');
    expect(covers).toHaveLength(100);
    for (const { row, label } of covers) {
      expect([1, 4, 7]).not.toContain(row % CLASSES);
      expect(label).toBeUndefined();
    }
  });

  it('the rate is a share of all images, and cannot be more than the classes have', () => {
    expect(stampsOf('clean-label', { rate: 0.1 })).toHaveLength(100);
    expect(() => stampsOf('clean-label', { rate: 0.11 })).toThrow(
      expect.objectContaining({
        kind: 'input',
        message: 'poisonRate 0.11 asks for 110 of the 1000 training images, but only 100 are of the class 7',
        hint: 'The rate is a share of all training images: take at most 0.1.',
      }),
    );
    expect(() => stampsOf('source-specific', { rate: 0.3 })).toThrow('only 200 are of the classes 1, 4');
    expect(() => stampsOf('source-specific', { coverRate: 0.8 })).toThrow(
      'only 700 are of classes that the attack leaves alone',
    );
    expect(() => stampsOf('all-to-one', { coverRate: 0.1 })).toThrow('only 0 are of classes');
  });
});

describe('noise rows', () => {
  it('are as many as asked for, others than the attacked ones, with their own pixels and label', () => {
    const stamps = choose(1000, { rate: 0.1, noisePerAttack: 2 });
    const noise = stamps.filter(({ mode }) => mode === 'noise');
    expect(noise).toHaveLength(200);
    expect(new Set(stamps.map(({ row }) => row)).size).toBe(300);
    for (const stamp of noise) expect(Object.keys(stamp)).toEqual(['row', 'mode']);
    expect(rowsOf(stamps)).toEqual(rowsOf(choose(1000, { rate: 0.1 })));
  });

  it('of a smaller rate begin those of a larger', () => {
    const [few, many] = [0.02, 0.1].map((rate) => rowsOf(choose(1000, { rate, noisePerAttack: 2 }), 'noise'));
    expect(many.slice(0, few.length)).toEqual(few);
  });

  it('may have the pixels of one range of rows, as published code has it', () => {
    const stamps = choose(1000, { rate: 0.1, noisePerAttack: 2, noisePixels: 'others' });
    const noise = stamps.filter(({ mode }) => mode === 'noise');
    expect(noise.map(({ pixelsOf }) => pixelsOf)).toEqual(Array.from({ length: 200 }, (_, k) => 100 + k));
    expect(noise.every(({ label }) => label === undefined)).toBe(true);
    expect(rowsOf(stamps, 'noise')).toEqual(rowsOf(choose(1000, { rate: 0.1, noisePerAttack: 2 }), 'noise'));
  });

  it('cannot be more than there are images left', () => {
    expect(choose(10, { rate: 0.3, noisePerAttack: 2 })).toHaveLength(9);
    expect(() => choose(10, { rate: 0.4, noisePerAttack: 2 })).toThrow(
      expect.objectContaining({
        message: 'poisonRate 0.4 with 2 noise images for each poisoned one changes 12 images, but there are 10',
        hint: 'Take at most 0.3333.',
      }),
    );
  });
});
