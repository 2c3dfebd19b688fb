import { describe, expect, test } from 'vitest';
import { testCatalog } from '../../test/support/spec-catalog.ts';
import { expandExperiment, twinOf } from './expand.ts';
import { parseExperiment } from './parse.ts';
import type { RunSpec } from './run-spec.ts';

const head = 'name: t\ndataset: digits\nmodel: resnet-mini\n';
const patch = 'attack: {type: badnets, size: 0.1, poisonRate: 0.01}\n';

function runs(body: string, start = head, overrides: string[] = []): RunSpec[] {
  const experiment = parseExperiment(start + body, 't.yaml', { catalog: testCatalog, overrides });
  return expandExperiment(experiment, testCatalog);
}

/** A parameter of a run's trigger. */
const parameter = (attack: object, name: string): unknown => ({ ...attack })[name as keyof typeof attack];
const poisoned = (specs: RunSpec[]) => specs.filter(({ attack }) => attack.type !== 'none');
const clean = (specs: RunSpec[]) => specs.filter(({ attack }) => attack.type === 'none');

describe('products', () => {
  test('every field may be a list; clean twins are shared and come first', () => {
    const all = runs(
      'attack: {type: badnets, size: [0.1, 0.2], color: [white, black], poisonRate: [0.01, 0.02]}\nseed: [0, 1]\n',
    );
    expect(all).toHaveLength(18);
    expect(all.slice(0, 2).map(({ attack, seed }) => [attack.type, seed])).toEqual([
      ['none', 0],
      ['none', 1],
    ]);
    expect(poisoned(all)).toHaveLength(16);
    for (const run of poisoned(all)) expect(all.slice(0, 2)).toContainEqual(twinOf(run));
  });

  test('the order is that of the spec, seeds innermost', () => {
    const all = poisoned(runs('attack: {type: badnets, size: [0.2, 0.1], poisonRate: 0.01}\nseed: [3, 1]\n'));
    expect(all.map(({ attack, seed }) => [parameter(attack, 'size'), seed])).toEqual([
      [0.2, 3],
      [0.2, 1],
      [0.1, 3],
      [0.1, 1],
    ]);
  });

  test('a block has the parameters of its own attack only', () => {
    const all = poisoned(
      runs(
        'poisonRate: 0.01\nattack:\n- {type: badnets, size: [0.1, 0.2]}\n- {type: warp, strength: [1, 2], poisonRate: 0.1}\n',
      ),
    );
    expect(all.map(({ attack, poisonRate }) => [attack.type, poisonRate])).toEqual([
      ['badnets', 0.01],
      ['badnets', 0.01],
      ['warp', 0.1],
      ['warp', 0.1],
    ]);
    expect(all[2].attack).toEqual({ type: 'warp', strength: 1, grid: 4 });
  });

  test('label rules: a list of classes is one value; what has no effect is left out', () => {
    const all = poisoned(
      runs(
        'target: 3\nattack:\n' +
          '- {type: badnets, size: 0.1, poisonRate: 0.01, labels: [all-to-one, all-to-all, clean-label]}\n' +
          '- {type: badnets, size: 0.1, poisonRate: 0.01, labels: [all-to-one, source-specific], sources: [[2, 1], 5], coverRate: 0.1}\n',
      ),
    );
    const shown = all.map(({ labels, sources, coverRate, targetClass }) => [labels, sources, coverRate, targetClass]);
    expect(shown).toEqual([
      [undefined, undefined, undefined, 3],
      ['all-to-all', undefined, undefined, 0],
      ['clean-label', undefined, undefined, 3],
      ['source-specific', [1, 2], 0.1, 3],
      ['source-specific', [5], 0.1, 3],
    ]);
    for (const run of all) for (const value of Object.values(run)) expect(value).toBeDefined();
  });

  test.each([
    ['labels: one-to-all', 'expected one of all-to-one, all-to-all, source-specific, clean-label, found "one-to-all"'],
    ['labels: source-specific', 'labels: source-specific needs sources: the classes whose images are attacked'],
    ['labels: source-specific\nsources: [1, 10]', 'sources: class 10 does not exist: the classes are 0 to 9'],
    ['labels: source-specific\nsources: [0, 1]', 'sources: class 0 is the target itself'],
    ['labels: source-specific\nsources: [1, 1]', '1 is listed twice'],
    ['labels: source-specific\nsources: -1', 'a class'],
    ['sources: 1', 'sources has no effect: no run has labels: source-specific'],
    ['labels: clean-label\ncoverRate: 0.1', 'coverRate has no effect'],
    ['poisonSet: per-batch\npoisonRate: 0.001', 'poisons no image: 0.001 of 128 images a batch is less than one'],
  ])('%j is refused', (fields, message) => {
    const body = `attack: {type: badnets, size: 0.1}\n${fields.includes('poisonRate') ? '' : 'poisonRate: 0.01\n'}${fields}\n`;
    expect(() => runs(body)).toThrow(
      expect.objectContaining({ kind: 'input', message: expect.stringContaining(message) }),
    );
  });

  test('attack none gives clean runs alone, in every way to write it', () => {
    const expected = runs('attack: none\n');
    expect(expected).toHaveLength(1);
    expect(expected[0]).toMatchObject({ attack: { type: 'none' }, poisonRate: 0, targetClass: 0, inputSize: 32 });
    expect(runs('attack: {type: none}\n')).toEqual(expected);
    expect(runs('attack: [none]\ntarget: 3\npoisonRate: 0.1\n')).toEqual(expected);
    expect(clean(runs(`attack: [none, {type: badnets, size: 0.1, poisonRate: 0.01}]\n`))).toEqual(expected);
  });

  test('repeats are seeds from 0', () => {
    expect(runs('attack: none\nrepeats: 3\n').map(({ seed }) => seed)).toEqual([0, 1, 2]);
  });

  test('several presets are compared; what a spec writes itself wins', () => {
    const rounding = (specs: RunSpec[]) => poisoned(specs).map(({ attack }) => parameter(attack, 'rounding'));
    expect(rounding(runs(`preset: [corrected, paper-text]\n${patch}`))).toEqual(['round', 'floor']);
    expect(
      rounding(runs('preset: paper-text\nattack: {type: badnets, size: 0.1, rounding: round, poisonRate: 0.01}\n')),
    ).toEqual(['round']);
  });
});

describe('one run, one spelling', () => {
  test('a written default is the default', () => {
    expect(
      runs('attack: {type: badnets, size: 0.1, position: bottom-right, opacity: 1, poisonRate: 0.01, target: 0}\n'),
    ).toEqual(runs(patch));
  });

  test('spellings of a colour are one colour; three numbers are one value', () => {
    const color = (text: string) => runs(`attack: {type: badnets, size: 0.1, poisonRate: 0.01, color: ${text}}\n`);
    expect(color('[255, 255, 255]')).toEqual(color('white'));
    expect(color("'#FFFFFF'")).toEqual(color('white'));
    expect(poisoned(color('[[255, 0, 0], black, "#00ff00"]'))).toHaveLength(3);
  });

  test('momentum means nothing to Adam', () => {
    const all = runs('attack: none\ntraining: {optimizer: [adam, sgd], momentum: [0, 0.9]}\n');
    expect(all.map(({ training }) => [training.optimizer, training.momentum])).toEqual([
      ['adam', 0],
      ['sgd', 0],
      ['sgd', 0.9],
    ]);
  });
});

describe('rules', () => {
  const grid = 'attack: {type: badnets, size: 0.1, color: [white, black], poisonRate: [0.01, 0.02]}\n';
  const both = 'name: t\ndataset: [digits, scenes]\nmodel: [resnet-mini, alexnet-mini]\n';

  test('exclude drops the runs that have all of its values', () => {
    const all = runs(
      `${grid}exclude:\n- {model: alexnet-mini, color: black}\n- {attack: {color: white}, poisonRate: [0.01, 0.02], model: alexnet-mini}\n`,
      both,
    );
    expect(poisoned(all)).toHaveLength(8);
    // The twins of dropped runs go with them.
    expect(all.every(({ model }) => model === 'resnet-mini')).toBe(true);
  });

  test('when replaces levels where it matches, and only there', () => {
    const all = runs(`${grid}when:\n- if: {dataset: digits}\n  then: {color: green, seed: [5, 6]}\n`, both);
    const key = ({ dataset, seed, attack }: RunSpec) => `${dataset} ${parameter(attack, 'color')} ${seed}`;
    expect([...new Set(poisoned(all).map(key))]).toEqual([
      'digits green 5',
      'digits green 6',
      'scenes white 0',
      'scenes black 0',
    ]);
    expect(poisoned(all)).toHaveLength(2 * 2 * 2 + 2 * 2 * 2);
  });

  test('rules see what the rules before them made', () => {
    const all = runs(
      `${patch}when:\n- {if: {model: resnet-mini}, then: {seed: [1, 2]}}\n- {if: {seed: 2}, then: {training.epochs: 7}}\nexclude: [{seed: 1}]\n`,
    );
    expect(all.map(({ seed, training }) => [seed, training.epochs])).toEqual([
      [2, 7],
      [2, 7],
    ]);
  });

  test('a rule may speak of values that come from defaults or from the model', () => {
    expect(poisoned(runs(`${grid}exclude: [{inputSize: 32, opacity: 1, color: black}]\n`))).toHaveLength(2);
  });

  test('a rule that --set has emptied is no error', () => {
    const body = `${grid}exclude: [{model: alexnet-mini, color: black}]\n`;
    expect(poisoned(runs(body, both, ['model=resnet-mini']))).toHaveLength(8);
    expect(runs(body, both, ['attack=none'])).toHaveLength(4);
  });
});
