// Attribution recovers what was put into made-up data: shares, order, nothing where there is nothing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { AnovaModel, testOf } from './anova.ts';
import { attribute } from './attribution.ts';
import { designOf } from './design.ts';
import { holm } from './multiplicity.ts';
import { empiricalLogit, type Observation, responseOf } from './observations.ts';

interface Effects {
  readonly size: number;
  readonly rate: number;
  readonly both: number;
  readonly noise: number;
}

const SIZES = [1, 2, 3];
const RATES = [1, 2, 3, 4];
const SEEDS = 4;

/** A 3 × 4 × 2 design (the last factor does nothing) with known effects on the response; `keep` thins it out. */
function made(effects: Effects, stream: number, keep: (at: number) => boolean = () => true): Observation[] {
  const rng = Rng.of(stream, 'made-up');
  const rows: Observation[] = [];
  for (const size of SIZES) {
    for (const rate of RATES) {
      for (const color of ['white', 'black']) {
        for (let seed = 0; seed < SEEDS; seed++) {
          const [a, b] = [size - 2, (rate - 2.5) / 1.5];
          const y =
            effects.size * a + effects.rate * b + effects.both * a * b + 0.4 * seed + effects.noise * rng.normal();
          const nothing = { asr: null, cleanAccuracy: null, attackedImages: null };
          const id = String(rows.length);
          rows.push({ id, block: String(seed), factors: { attack: 'x', size, rate, color }, cad: y, ...nothing });
        }
      }
    }
  }
  return rows.filter((_, at) => keep(at));
}

/** Variances of the terms: of a, of b, and of their product, over the levels. */
function truth({ size, rate, both, noise }: Effects) {
  const [a, b] = [2 / 3, 5 / 9];
  const parts = { size: size ** 2 * a, rate: rate ** 2 * b, both: both ** 2 * a * b };
  return { ...parts, all: parts.size + parts.rate + parts.both + noise ** 2 };
}

const effect = fc.double({ min: -2, max: 2, noNaN: true });
const someEffects = fc.record({ size: effect, rate: effect, both: effect, noise: fc.constantFrom(0.1, 0.3, 0.6) });

describe('attribute', () => {
  it('recovers the shares of a balanced design, and gives the idle factor nothing', () => {
    fc.assert(
      fc.property(someEffects, fc.integer({ min: 0, max: 1000 }), (effects, stream) => {
        const known = truth(effects);
        const found = attribute(made(effects, stream), 'cad');
        // What the seeds add to the whole variance is known too.
        const seedShare = 0.16 * 1.25;
        for (const { factors, omegaSquared } of found?.terms ?? []) {
          const name =
            factors.length === 2 && factors.includes('size') && factors.includes('rate') ? 'both' : factors.join();
          const part = name === 'both' || name === 'size' || name === 'rate' ? known[name] : 0;
          expect(Math.abs(omegaSquared.value - part / (known.all + seedShare))).toBeLessThan(0.12);
        }
        const shares = Object.fromEntries(found?.shapley.map(({ factor, share }) => [factor, share.value]) ?? []);
        expect(Math.abs(shares.size - (known.size + known.both / 2) / known.all)).toBeLessThan(0.15);
        expect(Math.abs(shares.rate - (known.rate + known.both / 2) / known.all)).toBeLessThan(0.15);
        expect(Math.abs(shares.color)).toBeLessThan(0.12);
      }),
      // Noise alone exceeds the bounds once in some hundreds of draws: they are the same ones each time.
      { numRuns: 8, seed: 1 },
    );
  });

  it('orders factors rightly in an unbalanced design', () => {
    const keep = (at: number) => Rng.of(at, 'thinned').uniform() > 0.35;
    const found = attribute(made({ size: 1.5, rate: 0.6, both: 0, noise: 0.3 }, 1, keep), 'cad');
    const order = [...(found?.shapley ?? [])].sort((a, b) => b.share.value - a.share.value).map((one) => one.factor);
    expect(order).toEqual(['size', 'rate', 'color']);
    const term = (name: string) => found?.terms.find((one) => one.factors.join() === name);
    expect(term('size')?.pHolm).toBeLessThan(1e-6);
    expect(term('rate')?.pHolm).toBeLessThan(1e-6);
    expect(term('color')?.pHolm).toBeGreaterThan(0.05);
    const importance = found?.forest?.importances ?? [];
    expect(importance.find((one) => one.factor === 'size')?.importance).toBeGreaterThan(1);
    expect(Math.abs(importance.find((one) => one.factor === 'color')?.importance ?? 1)).toBeLessThan(0.1);
  });

  it('gives intervals that hold the estimate, from three seeds on', () => {
    const data = made({ size: 1, rate: 0.5, both: 0.3, noise: 0.5 }, 2);
    for (const { omegaSquared, partialEtaSquared } of attribute(data, 'cad')?.terms ?? []) {
      for (const { value, interval } of [omegaSquared, partialEtaSquared]) {
        expect(interval).not.toBeNull();
        if (value > 0.1) expect((interval?.low ?? 2) <= value && value <= (interval?.high ?? -1)).toBe(true);
      }
    }
    const two = attribute(
      data.filter((one) => Number(one.block) < 2),
      'cad',
    );
    expect(two?.terms.every((term) => term.omegaSquared.interval === null)).toBe(true);
    expect(two?.notes.join(' ')).toContain('at least three');
  });

  it('finds nothing in noise more often than it should about one time in twenty', () => {
    const rejected = Array.from({ length: 60 }, (_, stream) => {
      const data = made({ size: 0, rate: 0, both: 0, noise: 1 }, stream);
      const anova = new AnovaModel(designOf(data, 'cad')).fit();
      return Number(holm(anova.terms.map((term) => testOf(term, anova).p ?? 1)).some((p) => p < 0.05));
    });
    expect(rejected.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(9);
  });

  it('leaves out what cannot be told apart, and falls back where there is too little', () => {
    const data = made({ size: 1, rate: 0.5, both: 0, noise: 0.2 }, 3).map((one) => ({
      ...one,
      factors: { ...one.factors, pixels: Number(one.factors.size) ** 2 } as Observation['factors'],
    }));
    const found = attribute(data, 'cad');
    expect(found?.factors.map((factor) => factor.name)).toEqual(['size', 'rate', 'color']);
    expect(found?.notes.join(' ')).toContain('pixels varies only together with size');
    const few = attribute(
      data.filter((one) => one.block === '0' && one.factors.color === 'white'),
      'cad',
    );
    expect(few?.terms.every((term) => term.factors.length === 1)).toBe(true);
    expect(attribute(data.slice(0, 1), 'cad')).toBeUndefined();
    expect(attribute(data, 'asr')).toBeUndefined();
  });

  it('is the same every time', () => {
    const data = made({ size: 1, rate: 0.5, both: 0.3, noise: 0.5 }, 4);
    expect(attribute(data, 'cad')).toEqual(attribute(data, 'cad'));
  });
});

describe('responses', () => {
  it('the logit is finite at 0 and 1, odd around a half, and grows with the share', () => {
    expect(empiricalLogit(0, 1800)).toBeCloseTo(Math.log(0.5 / 1800.5), 12);
    expect(empiricalLogit(1, 1800)).toBeCloseTo(-empiricalLogit(0, 1800), 12);
    expect(empiricalLogit(0.5, 1800)).toBe(0);
    expect(empiricalLogit(0.25, null)).toBeLessThan(empiricalLogit(0.26, null));
  });

  it('a design keeps what has the response', () => {
    const [one, two] = made({ size: 1, rate: 1, both: 0, noise: 0 }, 5);
    const design = designOf([one, { ...two, cad: null }], 'cad');
    expect([design.y.length, design.leftOut]).toEqual([1, 1]);
    expect(responseOf({ ...one, asr: 0.5, attackedImages: 10 }, 'asr')).toBe(0);
  });
});
