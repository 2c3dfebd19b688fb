import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  aliasTable,
  type Fraction,
  fractionOf,
  type Generator,
  isInFraction,
  product,
  wordLength,
} from './fraction.ts';

const letters = (word: number) => [...'ABCDEFGHIJ'].filter((_, at) => word & (1 << at)).join('');
const word = (text: string) => [...text].reduce((bits, letter) => bits | (1 << 'ABCDEFGHIJ'.indexOf(letter)), 0);

function design(factors: number, ...generators: string[]): Fraction {
  const read = generators.map((text): Generator => {
    const [left, right] = text.split('=');
    const sign = right.startsWith('-') ? -1 : 1;
    return { factor: word(left) === 0 ? 0 : Math.log2(word(left)), word: word(right.replace('-', '')), sign };
  });
  const fraction = fractionOf(factors, read);
  if (!fraction) throw new Error('contradiction');
  return fraction;
}

const relation = ({ defining }: Fraction) =>
  [...defining].map(([bits, sign]) => `${sign < 0 ? '-' : ''}${letters(bits)}`).sort();
const aliases = (fraction: Fraction, order: number) =>
  aliasTable(fraction, order).map(({ effect, aliases }) => [
    letters(effect),
    ...aliases.map((alias) => `${alias.sign < 0 ? '-' : ''}${letters(alias.effect)}`),
  ]);

test('2^(5-2) of resolution III with D = AB, E = AC: the published defining relation and aliases', () => {
  const fraction = design(5, 'D=AB', 'E=AC');
  expect(relation(fraction)).toEqual(['ABD', 'ACE', 'BCDE']);
  expect(fraction.resolution).toBe(3);
  expect(aliases(fraction, 5).slice(0, 7)).toEqual([
    ['A', 'BD', 'CE', 'ABCDE'],
    ['B', 'AD', 'ABCE', 'CDE'].sort(byLength),
    ['C', 'AE', 'BDE', 'ABCD'],
    ['D', 'AB', 'BCE', 'ACDE'],
    ['E', 'AC', 'BCD', 'ABDE'],
    ['BC', 'DE', 'ABE', 'ACD'],
    ['BE', 'CD', 'ABC', 'ADE'],
  ]);
});

test('2^(4-1) of resolution IV with D = ABC: main effects clear of two-factor interactions, these aliased in pairs', () => {
  const fraction = design(4, 'D=ABC');
  expect(relation(fraction)).toEqual(['ABCD']);
  expect(fraction.resolution).toBe(4);
  expect(aliases(fraction, 3)).toEqual([
    ['A', 'BCD'],
    ['B', 'ACD'],
    ['C', 'ABD'],
    ['D', 'ABC'],
    ['AB', 'CD'],
    ['AC', 'BD'],
    ['AD', 'BC'],
  ]);
  expect(aliases(fraction, 2).slice(0, 4)).toEqual([['A'], ['B'], ['C'], ['D']]);
});

test('2^(7-4) of resolution III is saturated: D = AB, E = AC, F = BC, G = ABC', () => {
  const fraction = design(7, 'D=AB', 'E=AC', 'F=BC', 'G=ABC');
  expect(fraction.resolution).toBe(3);
  expect(fraction.defining.size).toBe(15);
  expect(aliases(fraction, 2)[0]).toEqual(['A', 'BD', 'CE', 'FG']);
});

function byLength(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

test('in the runs of a fraction, aliased effects are the same column and others are orthogonal', () => {
  const generators = (base: number, count: number) =>
    fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** base - 1 }), fc.constantFrom(1 as const, -1 as const)), {
      minLength: count,
      maxLength: count,
    });
  const designs = fc
    .tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 3 }))
    .chain(([base, count]) => fc.tuple(fc.constant(base), generators(base, count)));
  fc.assert(
    fc.property(designs, ([base, drawn]) => {
      const factors = base + drawn.length;
      const fraction = fractionOf(
        factors,
        drawn.map(([bits, sign], i) => ({ factor: base + i, word: bits, sign })),
      );
      if (!fraction) throw new Error('independent generators never contradict each other');
      const all = Array.from({ length: 2 ** factors }, (_, i) =>
        Array.from({ length: factors }, (_, at): 1 | -1 => (i & (1 << at) ? 1 : -1)),
      );
      const runs = all.filter((levels) => isInFraction(fraction, levels));
      expect(runs).toHaveLength(2 ** base);
      const column = (effect: number) => runs.map((levels) => product(effect, levels));
      const table = aliasTable(fraction);
      for (const { effect, aliases } of table) {
        for (const alias of aliases) expect(column(alias.effect).map((x) => x * alias.sign)).toEqual(column(effect));
      }
      if (fraction.resolution > 2) {
        const leaders = table.map(({ effect }) => column(effect));
        for (const [i, a] of leaders.entries())
          for (const b of leaders.slice(i + 1)) expect(a.reduce((sum, x, at) => sum + x * b[at], 0)).toBe(0);
      }
      for (const [bits, sign] of fraction.defining) expect(new Set(column(bits))).toEqual(new Set([sign]));
      expect(Math.min(...[...fraction.defining.keys()].map(wordLength))).toBe(fraction.resolution);
    }),
    { numRuns: 60 },
  );
});
