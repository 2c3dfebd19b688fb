import { expect, test } from 'vitest';
import { testCatalog } from '../../test/support/spec-catalog.ts';
import { expandExperiment } from './expand.ts';
import { parseOverride } from './overrides.ts';
import { parseExperiment } from './parse.ts';

const text = `name: t
dataset: digits
model: resnet-mini
seed: [0, 1]
attack:
- {type: badnets, size: 0.1, poisonRate: 0.01}
- {type: warp, poisonRate: 0.02}
`;

const value = (override: string) => parseOverride(override, testCatalog).value;

function runs(...overrides: string[]) {
  const all = expandExperiment(parseExperiment(text, 't.yaml', { catalog: testCatalog, overrides }), testCatalog);
  return all.filter(({ attack }) => attack.type !== 'none');
}

test('values are read as in a YAML list', () => {
  expect(value('training.epochs=5')).toBe(5);
  expect(value('learningRate=0.01,1e-3')).toEqual([0.01, 0.001]);
  expect(value('attack.color=white, #FF0000,[1,2,3]')).toEqual(['white', '#FF0000', [1, 2, 3]]);
  expect(value('position={top: 3, left: 4}')).toEqual({ top: 3, left: 4 });
  expect(value('freeze=from:8')).toBe('from:8');
  expect(value('exclude=[]')).toEqual([]);
  expect(value('description=one, two')).toBe('one, two');
});

test('short names stand for full paths', () => {
  expect(parseOverride('epochs=5', testCatalog).field).toBe('training.epochs');
  expect(parseOverride('size=0.5', testCatalog).field).toBe('attack.size');
});

test('an attack parameter is set in the blocks that have it', () => {
  expect(runs('attack.size=0.2,0.3', 'seed=4').map(({ attack }) => attack)).toMatchObject([
    { type: 'badnets', size: 0.2 },
    { type: 'badnets', size: 0.3 },
    { type: 'warp', strength: 0.5 },
  ]);
});

test('poisonRate at the top replaces those of the blocks', () => {
  expect(runs('poisonRate=0.5', 'seed=0').map(({ poisonRate }) => poisonRate)).toEqual([0.5, 0.5]);
});

test('repeats and seed replace each other', () => {
  expect(new Set(runs('repeats=3').map(({ seed }) => seed))).toEqual(new Set([0, 1, 2]));
  expect(() => runs('repeats=3', 'seed=1')).toThrow(/both given/);
});

test('the last of two wins; presets and whole attacks can be set', () => {
  expect(runs('epochs=1', 'epochs=2')[0].training.epochs).toBe(2);
  expect(runs('preset=paper-text')[0].attack).toMatchObject({ rounding: 'floor' });
  expect(runs('attack={type: warp, strength: 1, poisonRate: 0.1}', 'attack.strength=2')[0].attack).toMatchObject({
    strength: 2,
  });
});

test.each([
  ['x', /--set x: expected field=value/],
  ['=5', /expected field=value/],
  ['seed=', /--set seed=: expected a value/],
  ['epoch=5', /--set epoch=5: unknown field "epoch"/],
  ['seed=[1', /cannot be read/],
  ['seed=*a', /cannot be read/],
  ['seed=1]', /cannot be read/],
  [`seed=${'['.repeat(5000)}`, /cannot be read/],
  ['seed=-1', /--set seed=-1: seed: expected a number at least 0, found -1/],
  ['attack.size=0.1,2', /--set attack.size=0.1,2: attack\[0\]\.size\[1\]: expected a number at most 1, found 2/],
  ['model=resnet', /--set model=resnet: model: expected one of/],
])('--set %s is refused', (override, message) => {
  expect(() => runs(override)).toThrow(message);
  expect(() => runs(override)).toThrow(expect.objectContaining({ kind: 'input' }));
});
