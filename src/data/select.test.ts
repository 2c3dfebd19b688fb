import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveClasses, selectQuotas, selectRows } from './select.ts';

const names = ['ant', 'bee', '7'];
const all = [0, 1, 2];

describe('resolveClasses', () => {
  it('takes names before numbers, and keeps the old order', () => {
    expect(resolveClasses('x', names, undefined)).toEqual(all);
    expect(resolveClasses('x', names, ['bee', '0'])).toEqual([0, 1]);
    expect(resolveClasses('x', names, ['7', 'ant'])).toEqual([0, 2]);
  });
  it.each([
    [['ant', 'bea'], 'there is no class "bea"'],
    [['0', '3'], 'there is no class "3"'],
    [['0', 'ant'], 'name one class twice'],
  ])('refuses %j', (wanted, message) => {
    expect(() => resolveClasses('x', names, wanted)).toThrow(message);
  });
});

describe('selectQuotas', () => {
  const quotas = (options: object, kept: number[] = all) =>
    selectQuotas('x', [100, 50, 10], names, kept, 'train', options);
  it('counts exactly, at most, and by class', () => {
    expect(quotas({})).toEqual([100, 50, 10]);
    expect(quotas({ train: 16 })).toEqual([10, 5, 1]);
    expect(quotas({ test: 16 })).toEqual([100, 50, 10]);
    expect(quotas({ limit: 16 })).toEqual([10, 5, 1]);
    expect(quotas({ limit: 1000 })).toEqual([100, 50, 10]);
    expect(quotas({ perClass: 20 })).toEqual([20, 20, 10]);
    expect(quotas({ perClass: 20, train: 16 })).toEqual([10, 5, 1]);
    expect(quotas({ perClass: 20 }, [0, 2])).toEqual([20, 10]);
  });
  it.each([
    [{ train: 161 }, 'train=161, but there are 160 train images'],
    [{ train: 3 }, 'train=3 leaves no image of the class 7'],
    [{ limit: 3 }, 'limit=3 leaves no image of the class 7'],
  ])('refuses %j', (options, message) => {
    expect(() => quotas(options)).toThrow(message);
  });
});

describe('selectRows', () => {
  const labelsOf = (seed: number[]) => seed.map((value) => value % 3);
  const labels = fc.array(fc.nat(), { minLength: 3, maxLength: 90 }).map((seed) => [0, 1, 2, ...labelsOf(seed)]);

  it('takes ascending rows of the classes kept, as many as the quotas say, less out of more', () => {
    fc.assert(
      fc.property(labels, fc.integer({ min: 1, max: 20 }), fc.nat(5), (given, perClass, seed) => {
        const rows = [...selectRows('x', given, names, all, 'train', { perClass, seed })];
        expect(rows).toEqual([...rows].sort((a, b) => a - b));
        expect(new Set(rows).size).toBe(rows.length);
        for (const label of all) {
          const there = given.filter((other) => other === label).length;
          expect(rows.filter((row) => given[row] === label)).toHaveLength(Math.min(there, perClass));
        }
        const more = new Set(selectRows('x', given, names, all, 'train', { perClass: perClass + 1, seed }));
        expect(rows.every((row) => more.has(row))).toBe(true);
        const two = selectRows('x', given, names, [0, 2], 'train', { perClass, seed });
        expect([...two]).toEqual(rows.filter((row) => given[row] !== 1));
      }),
    );
  });

  it('is decided by split and seed, and stands still between versions', () => {
    const given = Array.from({ length: 30 }, (_, i) => i % 3);
    const take = (split: 'train' | 'test', seed: number) => [
      ...selectRows('x', given, names, all, split, { perClass: 2, seed }),
    ];
    expect(take('train', 0)).toMatchInlineSnapshot(`
      [
        13,
        14,
        15,
        23,
        25,
        27,
      ]
    `);
    expect(new Set([take('train', 0), take('test', 0), take('train', 1)].map(String)).size).toBe(3);
  });
});
