import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from './rng.ts';

const take = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next);

describe('Rng', () => {
  it('draws what it has always drawn: run identities and results depend on these numbers', () => {
    const bits = Rng.of(7, 'poison');
    expect(take(4, () => bits.bits())).toEqual([1444250547, -996546075, 325309264, 1569887569]);
    const uniform = Rng.of(0);
    expect(take(3, () => uniform.uniform())).toEqual([0.6475527761047929, 0.8721439126224827, 0.06272364362762217]);
    const normal = Rng.of(1, 'n');
    expect(take(3, () => normal.normal())).toEqual([-0.9136935479737202, -0.286952743974323, 1.37978385943145]);
    const int = Rng.of(2, 'i', 3);
    expect(take(10, () => int.int(-5, 5))).toEqual([-3, 1, -2, -1, -3, 1, -5, 5, 0, -4]);
    expect([...Rng.of(3, 'p').permutation(10)]).toEqual([1, 0, 9, 6, 8, 4, 7, 5, 3, 2]);
    expect(Rng.of(7, 'poison').fork('x', 1).bits()).toBe(972848190);
  });

  it('gives equal streams for equal arguments and unrelated ones for others', () => {
    const first = (rng: Rng) => take(8, () => rng.bits()).join();
    const streams = [
      Rng.of(7, 'a'),
      Rng.of(8, 'a'),
      Rng.of(7, 'b'),
      Rng.of(7),
      Rng.of(7, 'a', 'b'),
      Rng.of(7, 'ab'),
      Rng.of(7, 1),
      Rng.of(7, '1'),
      Rng.of(7, 'a').fork(),
      Rng.of(7, 'a').fork('b'),
      Rng.of(7, 'a').fork('b', 'c'),
      Rng.of(7, 'a').fork('b').fork('c'),
    ];
    expect(new Set(streams.map(first)).size).toBe(streams.length);
    expect(first(Rng.of(7, 'a'))).toBe(first(Rng.of(7, 'a')));
  });

  it('forks without moving on, and the same fork wherever the stream stands', () => {
    const plain = Rng.of(1, 'x');
    const forking = Rng.of(1, 'x');
    const early = forking.fork('y').bits();
    expect(take(5, () => forking.bits())).toEqual(take(5, () => plain.bits()));
    expect(forking.fork('y').bits()).toBe(early);
  });

  it('keep: what bits would decide one by one, and goes on where they would', () => {
    const rates = fc.oneof(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.constantFrom(0, 0.2, 0.5));
    fc.assert(
      fc.property(fc.integer(), rates, fc.nat(300), (seed, rate, length) => {
        const [rng, slow] = [Rng.of(seed), Rng.of(seed)];
        const mask = new Uint8Array(length);
        rng.keep(mask, rate);
        expect([...mask]).toEqual(take(length, () => (slow.bits() >>> 0 >= rate * 2 ** 32 ? 1 : 0)));
        expect(rng.bits()).toBe(slow.bits());
      }),
    );
  });

  it('int: whole numbers in the range, both ends met', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -1e6, max: 1e6 }), fc.nat(1e6), (seed, low, span) => {
        const rng = Rng.of(seed);
        for (const value of take(20, () => rng.int(low, low + span))) {
          expect(Number.isInteger(value) && value >= low && value <= low + span).toBe(true);
        }
      }),
    );
    const die = Rng.of(0, 'die');
    const counts = new Map<number, number>();
    for (const face of take(6000, () => die.int(1, 6))) counts.set(face, (counts.get(face) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('uniform and normal have their moments', () => {
    const rng = Rng.of(5, 'moments');
    const uniform = take(20_000, () => rng.uniform());
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(uniform)).toBeCloseTo(0.5, 2);
    const normal = take(20_000, () => rng.normal());
    expect(Math.abs(mean(normal))).toBeLessThan(0.03);
    expect(Math.abs(mean(normal.map((z) => z * z)) - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(normal.map((z, i) => z * (normal[i + 1] ?? 0))))).toBeLessThan(0.03);
  });

  it('permutation holds every number once', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(300), (seed, count) => {
        const sorted = Rng.of(seed).permutation(count).slice().sort();
        expect([...sorted]).toEqual([...Array(count).keys()]);
      }),
    );
  });
});
