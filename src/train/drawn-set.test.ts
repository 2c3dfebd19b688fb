import { describe, expect, it } from 'vitest';
import type { Rng } from '../core/rng.ts';
import { memorySource } from '../data/dataset.ts';
import { labelRule } from '../triggers/label-rule.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { drawnForBatches } from './drawn-set.ts';
import { choosePoisonOfBatch, type PoisonOptions } from './poison.ts';

const shape = { height: 2, width: 2, channels: 1 } as const;
const COUNT = 40;
const labels = Uint16Array.from({ length: COUNT }, (_, row) => row % 4);
const source = memorySource(shape, new Uint8Array(4 * COUNT).fill(9), labels);
const rule = labelRule({ target: 0, classes: 4 });
const options: PoisonOptions = { rule, rate: 0.2, noisePerAttack: 2, seed: 1 };

/** Paints an image in one level; the noise form in a level from its stream. */
const paint = (level: (rng: Rng) => number): Trigger => ({
  stampAt: 'native',
  shape,
  apply: (image, rng) => void image.pixels.fill(level(rng)),
});
const trigger: Trigger = {
  ...paint(() => 200),
  noise: { form: paint((rng) => rng.int(10, 199)), perAttack: 2, pixels: 'own' },
};
const rows = [31, 4, 17, 8, 25, 2, 39, 0, 11, 20];

describe('choosePoisonOfBatch', () => {
  it('takes the first rows, rounded down, then the noise images after them', () => {
    const stamps = choosePoisonOfBatch(rows, labels, options);
    expect(stamps).toEqual([
      { row: 31, mode: 'attack', label: 0 },
      { row: 4, mode: 'attack', label: 0 },
      ...[17, 8, 25, 2].map((row) => ({ row, mode: 'noise' })),
    ]);
    expect(choosePoisonOfBatch(rows.slice(0, 4), labels, options)).toEqual([]);
  });

  it('passes over rows that the rule does not allow', () => {
    const only = (name: 'clean-label' | 'source-specific', more: Partial<PoisonOptions>) =>
      choosePoisonOfBatch(rows, labels, {
        ...options,
        ...{ rule: labelRule({ labels: name, target: 0, sources: [1], classes: 4 }), noisePerAttack: 0, ...more },
      }).map(({ row, mode }) => [row, mode]);
    expect(only('clean-label', {})).toEqual([
      [4, 'attack'],
      [8, 'attack'],
    ]);
    expect(only('source-specific', { coverRate: 0.1 })).toEqual([
      [17, 'attack'],
      [25, 'attack'],
      [31, 'cover'],
    ]);
  });
});

describe('drawnForBatches', () => {
  const drawn = drawnForBatches(source, trigger, options, undefined);
  const levels = (from: { read(rows: ArrayLike<number>): Uint8Array }) => rows.map((row) => from.read([row])[0]);

  it('read by itself is the clean set', () => {
    expect(levels(drawn)).toEqual(rows.map(() => 9));
    expect(drawn.labels).toEqual(labels);
  });

  it('gives each batch its own poison; noise is new at every step, and the same for the same step', async () => {
    const first = await drawn.draw(rows, 0);
    const [again, later] = [await drawn.draw(rows, 0), await drawn.draw(rows, 1)];
    expect(levels(first).slice(0, 2)).toEqual([200, 200]);
    expect(levels(first).slice(6)).toEqual([9, 9, 9, 9]);
    expect([first.labels[31], first.labels[4], first.labels[17]]).toEqual([0, 0, 1]);
    expect(levels(again)).toEqual(levels(first));
    expect(levels(later).slice(2, 6)).not.toEqual(levels(first).slice(2, 6));
    const other = await drawn.draw([...rows].reverse(), 0);
    expect(other.read([31])[0]).not.toBe(200);
  });

  it('refuses what no batch can hold', () => {
    expect(() => drawnForBatches(source, trigger, { ...options, rate: 0.5 }, undefined)).toThrow(
      expect.objectContaining({ kind: 'input', message: 'poisonSet: per-batch changes 150 % of each batch' }),
    );
    expect(() => drawnForBatches(source, trigger, { ...options, noisePixels: 'others' }, undefined)).toThrow(
      'noisePixels: others needs poisonSet: fixed',
    );
  });
});
