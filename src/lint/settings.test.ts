import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttackSpec } from '../spec/run-spec.ts';
import { describeAttacks, listed, stagesOf } from './settings.ts';

const patch = (size: number, position: string, color = 'white'): AttackSpec => ({
  type: 'badnets',
  ...{ size, position, color, opacity: 1 },
});

describe('describeAttacks', () => {
  it('tells full products in one phrase', () => {
    const all = [0.04, 0.06].flatMap((size) => ['top-left', 'middle'].map((place) => patch(size, place)));
    expect(describeAttacks(all, all)).toEqual([
      'badnets: size 4 % and 6 %, position top-left and middle, colour white',
    ]);
  });

  it('tells what makes no product one by one, and other parameters only where they vary', () => {
    const some = [patch(0.04, 'top-left'), patch(0.06, 'middle')];
    const faint = { ...patch(0.04, 'middle'), opacity: 0.5 } as AttackSpec;
    expect(describeAttacks(some, some)).toEqual([
      'badnets: size 4 %, position top-left, colour white',
      'badnets: size 6 %, position middle, colour white',
    ]);
    expect(describeAttacks([faint], [...some, faint])).toEqual([
      'badnets: size 4 %, position middle, colour white, opacity 0.5',
    ]);
  });

  it('never joins types, and names every attack exactly once', () => {
    expect(describeAttacks([{ type: 'a' }, { type: 'b' }], [])).toEqual(['a', 'b']);
    const sizes = fc.subarray([0.04, 0.06, 0.08], { minLength: 1 });
    const places = fc.subarray(['top-left', 'middle', 'bottom-right'], { minLength: 1 });
    fc.assert(
      fc.property(sizes, places, fc.nat(), (some, where, drop) => {
        const all = some.flatMap((size) => where.map((place) => patch(size, place)));
        const kept = all.length > 1 ? all.filter((_, i) => i !== drop % all.length) : all;
        const cells = describeAttacks(kept, all).flatMap((text) => {
          const [, size, position] = /size (.*), position (.*), colour/.exec(text) ?? [];
          const items = (words: string) => words.split(/, | and /);
          return items(size).flatMap((s) => items(position).map((p) => `${s} ${p}`));
        });
        const wanted = kept.map((one) => {
          const { size, position } = one as unknown as { size: number; position: string };
          return `${100 * size} % ${position}`;
        });
        expect(cells.sort()).toEqual(wanted.sort());
      }),
    );
  });
});

it('lists words', () => {
  expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual([
    '',
    'a',
    'a and b',
    'a, b and c',
  ]);
});

it('a trigger counts once per stage, however many runs have it; normalisation makes no stage', () => {
  const training = {
    optimizer: 'adam',
    learningRate: 1,
    momentum: 0,
    weightDecay: 0,
    epochs: 1,
    batchSize: 1,
  } as const;
  const base = { model: 'm', init: 'random', freeze: 'head', poisonRate: 0.1, targetClass: 0, training } as const;
  const run = (dataset: string, inputSize: number, attack: AttackSpec, seed: number, preprocessing?: object) => ({
    runId: '',
    spec: { ...base, dataset, inputSize, attack, seed, preprocessing },
  });
  const stages = stagesOf([
    run('a', 32, { type: 'none' }, 0),
    run('a', 32, patch(0.04, 'middle'), 3),
    run('a', 32, patch(0.04, 'middle'), 4, { normalization: 'dataset' }),
    run('a', 32, patch(0.06, 'middle'), 0),
    run('a', 64, patch(0.04, 'middle'), 0),
    run('a', 32, patch(0.04, 'middle'), 0, { resize: 40 }),
  ]);
  expect(stages.map(({ inputSize, preprocessing, settings }) => [inputSize, preprocessing, settings.length])).toEqual([
    [32, undefined, 2],
    [64, undefined, 1],
    [32, { resize: 40 }, 1],
  ]);
  expect(stages[0].settings[0]).toMatchObject({ id: 't1', runs: 2, seed: 3 });
});
