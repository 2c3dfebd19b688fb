// Claims on made-up evidence in which they are true, false, or cannot be told.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import type { Observation } from '../observations.ts';
import { CLAIMS, type DefenceObservation, testClaims } from './index.ts';

const SEEDS = [0, 1, 2, 3, 4];
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

interface Setting {
  dataset?: string;
  model?: string;
  attack?: string;
  freeze?: string;
  init?: string;
  size?: number | null;
  position?: string | null;
  color?: string | null;
  poisonRate?: number;
}

/** Observations of all settings under five seeds; `logit` decides ASR, `drop` the clean accuracy drop. */
function made(
  settings: readonly Setting[],
  logit: (one: Setting) => number,
  drop = (_: Setting) => 0.01,
): Observation[] {
  return settings.flatMap((setting, at) =>
    SEEDS.map((seed): Observation => {
      const full = {
        ...{ dataset: 'mnist10k', model: 'resnet-mini', init: 'pretrained', freeze: 'paper', attack: 'badnets' },
        ...{ size: 0.1, position: 'middle', color: 'white', poisonRate: 0.01 },
        ...setting,
      };
      const rng = Rng.of(seed, 'claims', at);
      const asr = Math.round(1800 * logistic(logit(full) + 0.1 * rng.normal())) / 1800;
      const cad = drop(full) + 0.001 * rng.normal();
      const id = `${at}/${seed}`;
      return { id, block: String(seed), factors: full, asr, cad, cleanAccuracy: 0.9 - cad, attackedImages: 1800 };
    }),
  );
}

function product(levels: { [Name in keyof Setting]: readonly Setting[Name][] }): Setting[] {
  let rows: Setting[] = [{}];
  for (const [name, values] of Object.entries(levels)) {
    rows = rows.flatMap((row) => (values ?? []).map((value) => ({ ...row, [name]: value })));
  }
  return rows;
}

function claim(id: string, attacks: readonly Observation[], defences: readonly DefenceObservation[] = []) {
  const found = testClaims({ attacks, defences }).find((one) => one.id === id);
  if (!found) throw new Error(`no claim ${id}`);
  return found;
}

const rates = [0.005, 0.01, 0.02];
const grid = product({ size: [0.05, 0.1, 0.2], poisonRate: rates });
const log2 = (one: Setting, name: 'size' | 'poisonRate') => Math.log2(Number(one[name]));

describe('claims on size and rate', () => {
  it('1a and 1b follow the slopes', () => {
    const bySize = made(grid, (one) => 9 + 2 * log2(one, 'size') + 0.5 * log2(one, 'poisonRate'));
    const byRate = made(grid, (one) => 9 + 0.5 * log2(one, 'size') + 1.5 * log2(one, 'poisonRate'));
    expect(claim('1a', bySize)).toMatchObject({ verdict: 'supported', seeds: 5 });
    expect(claim('1a', bySize).effect?.value).toBeCloseTo(1.5, 0);
    expect(claim('1a', byRate).verdict).toBe('contradicted');
    expect(claim('1b', bySize).verdict).toBe('supported');
    expect(claim('1b', byRate).verdict).toBe('contradicted');
    expect(claim('1a', bySize).runs).toHaveLength(45);
  });

  it('1c sees the rate lose weight under large triggers', () => {
    const saturating = made(grid, (one) => 20 + 3 * log2(one, 'size') + log2(one, 'poisonRate'));
    expect(claim('1c', saturating).verdict).toBe('supported');
    const growing = made(grid, (one) => 6 + 2.2 * log2(one, 'size') + log2(one, 'poisonRate'));
    expect(claim('1c', growing).verdict).toBe('contradicted');
  });

  it('3, 4a and 4b', () => {
    const up = made(
      product({ model: ['weak', 'strong'], poisonRate: rates }),
      (one) => 5 + log2(one, 'poisonRate'),
      (one) => (one.model === 'strong' ? 0.5 : 2) * Number(one.poisonRate) - (one.model === 'strong' ? 0.05 : 0),
    );
    expect(claim('3', up)).toMatchObject({ verdict: 'supported' });
    expect(claim('3', up).effect?.value).toBeCloseTo(1, 0);
    expect(claim('4a', up)).toMatchObject({ verdict: 'supported' });
    expect(claim('4a', up).effect?.value).toBeCloseTo(1.25, 0);
    expect(
      claim(
        '3',
        made(product({ poisonRate: rates }), (one) => -5 - log2(one, 'poisonRate')),
      ).verdict,
    ).toBe('contradicted');
  });
});

describe('claims on position and colour', () => {
  const places = ['top-left', 'bottom-right', 'middle'];

  it('2a: reversed orders support it, one best place contradicts it', () => {
    const settings = product({ model: ['a', 'b'], position: places });
    const reversed = made(settings, (one) => ((one.position === 'middle') === (one.model === 'a') ? 1 : -1));
    expect(claim('2a', reversed)).toMatchObject({ verdict: 'supported' });
    const best = made(settings, (one) => (one.position === 'middle' ? 1 : -1));
    expect(claim('2a', best)).toMatchObject({ verdict: 'contradicted' });
    expect(claim('2a', best).reason).toContain('middle');
    expect(
      claim(
        '2a',
        made(settings, () => 0),
      ).verdict,
    ).toBe('undecided');
  });

  it('2c, 2f and 6', () => {
    const settings = product({ position: places, color: ['white', 'black'] });
    const cornersWork = made(settings, (one) => (one.position === 'middle' ? -2 : one.color === 'black' ? -4 : 2));
    expect(claim('2c', cornersWork).verdict).toBe('supported');
    expect(claim('2f', cornersWork).verdict).toBe('supported');
    expect(claim('6', cornersWork).verdict).toBe('supported');
    const alike = made(settings, () => 3);
    expect(claim('6', alike).verdict).toBe('contradicted');
    expect(claim('2f', alike).verdict).toBe('contradicted');
  });
});

describe('claims on models and attacks', () => {
  it('5a and 5b', () => {
    const settings = product({ model: ['alexnet', 'googlenet', 'resnet152', 'vgg19_bn'] });
    const robust = made(settings, (one) => (one.model === 'alexnet' ? -3 : 1));
    expect(claim('5a', robust).verdict).toBe('supported');
    const weak = made(settings, (one) => (one.model === 'googlenet' ? -3 : 1));
    expect(claim('5a', weak).verdict).toBe('contradicted');
    expect(claim('5b', weak).verdict).toBe('supported');
  });

  it('5c finds the boundary', () => {
    const settings = product({ model: ['alexnet-mini'], freeze: ['from:14', 'from:12', 'from:10', 'from:8'] });
    const found = claim(
      '5c',
      made(settings, (one) => (one.freeze === 'from:8' ? 2 : -4)),
    );
    expect(found).toMatchObject({ verdict: 'supported', effect: { label: 'from:8 minus from:10' } });
    expect(
      claim(
        '5c',
        made(settings, (one) => (one.freeze === 'from:8' ? 2 : -1)),
      ).verdict,
    ).toBe('contradicted');
  });

  it('7 compares across freezing', () => {
    const scratch = [{ init: 'random', freeze: 'none' }, { init: 'pretrained' }];
    expect(
      claim(
        '7',
        made(scratch, (one) => (one.init === 'random' ? 2 : -1)),
      ).verdict,
    ).toBe('supported');
  });

  it('8 compares best settings and bounds', () => {
    const settings = [
      ...product({ size: [0.05, 0.1], poisonRate: [0.005, 0.02] }),
      ...product({ attack: ['ssba'], size: [null], position: [null], color: [null], poisonRate: [0.005, 0.02] }),
    ];
    const seen = made(settings, (one) => (one.attack === 'ssba' ? 0 : one.size === 0.1 ? 6 : -1));
    expect(claim('8a', seen)).toMatchObject({ verdict: 'supported' });
    expect(claim('8a', seen).effect?.label).toContain('ε 2 %');
    expect(claim('8c', seen).verdict).toBe('supported');
    expect(claim('8e', seen).verdict).toBe('supported');
    expect(claim('8b', seen)).toMatchObject({ verdict: 'undecided', effect: null });
  });
});

describe('claims on defences', () => {
  const one = (change: Partial<DefenceObservation>, seed: number): DefenceObservation => ({
    ...{
      id: `d${seed}`,
      block: String(seed),
      defence: 'fine-pruning',
      dataset: 'CIFAR10',
      model: 'resnet',
      attack: 'ssba',
    },
    ...{ pruningRate: 0, asrBefore: 0.9, asrAfter: 0.1, detected: null, ...change },
  });

  it('9', () => {
    const tuned = SEEDS.map((seed) => one({ asrAfter: 0.1 + 0.002 * seed }, seed));
    expect(claim('9c', [], tuned).verdict).toBe('supported');
    expect(claim('9b', [], tuned).verdict).toBe('undecided');
    const verdicts = ['alexnet', 'resnet'].flatMap((model) =>
      Array.from({ length: 12 }, (_, seed) =>
        one({ defence: 'neural-cleanse', model, detected: model === 'resnet' }, seed),
      ),
    );
    expect(claim('9a', [], verdicts).verdict).toBe('supported');
    expect(claim('9a', [], verdicts.slice(10, 14)).verdict).toBe('undecided');
  });
});

describe('testClaims', () => {
  it('says of nothing that it is undecided, and why', () => {
    const found = testClaims({ attacks: [], defences: [] });
    expect(found.map((one) => one.id)).toEqual(CLAIMS.map((one) => one.id));
    expect(found.every((one) => one.verdict === 'undecided' && one.reason !== '')).toBe(true);
    expect(new Set(found.map((one) => one.id[0]))).toEqual(new Set('123456789'));
  });

  it('decides nothing on one seed', () => {
    const seed = made(grid, (one) => 9 + 2 * log2(one, 'size')).filter((one) => one.block === '0');
    expect(testClaims({ attacks: seed, defences: [] }).every((one) => one.verdict === 'undecided')).toBe(true);
  });
});
