import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testCatalog } from '../../test/support/spec-catalog.ts';
import { TriggerlabError } from '../core/errors.ts';
import { expandExperiment } from './expand.ts';
import { experimentFrom, parseExperiment } from './parse.ts';
import { nestingDepth } from './yaml-depth.ts';

const options = { catalog: testCatalog };
const text = `name: t
description: |
  Some words.
dataset: digits
model: &models [resnet-mini, alexnet-mini]
training: {optimizer: adam, learningRate: [0.01, 0.001]}
attack:
  type: badnets
  size: [0.08, 0.16]
  position: [top-left, {top: 1, left: 2}]
  poisonRate: 0.01
when:
  - if: {model: *models, size: 0.08}
    then: {color: [black, '#ff0000']}
exclude:
  - {model: alexnet-mini, position: top-left}
`;
const plain = {
  name: 't',
  description: 'Some words.',
  dataset: 'digits',
  model: ['resnet-mini', 'alexnet-mini'],
  training: { optimizer: 'adam', learningRate: [0.01, 0.001] },
  attack: { type: 'badnets', size: [0.08, 0.16], position: ['top-left', { top: 1, left: 2 }], poisonRate: 0.01 },
  // biome-ignore lint/suspicious/noThenProperty: a word of the spec.
  when: [{ if: { model: ['resnet-mini', 'alexnet-mini'], size: 0.08 }, then: { color: ['black', '#ff0000'] } }],
  exclude: [{ model: 'alexnet-mini', position: 'top-left' }],
};

/** Reads and lays out; true when it is accepted, false when it is refused with a readable error. Throws for a defect. */
function accepted(read: () => ReturnType<typeof experimentFrom>): boolean {
  try {
    expandExperiment(read(), testCatalog);
    return true;
  } catch (error) {
    if (error instanceof TriggerlabError && error.kind === 'input' && error.message.length < 1000) return false;
    throw error;
  }
}

test('YAML and a plain object give the same runs', () => {
  const fromText = expandExperiment(parseExperiment(text, 't.yaml', options), testCatalog);
  expect(fromText).toEqual(expandExperiment(experimentFrom(plain, options), testCatalog));
  expect(fromText.length).toBe(22);
});

test('a faulty object is told without a file', () => {
  expect(() => experimentFrom({ ...plain, model: 'x' }, options)).toThrow(/^spec: model: expected one of/);
});

test('no text is a crash', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (garbage) => {
      expect(accepted(() => parseExperiment(garbage, 't.yaml', options))).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('no slip of the pen is a crash', () => {
  const edit = fc.record({
    at: fc.nat(text.length),
    cut: fc.nat(12),
    put: fc.string({ unit: fc.constantFrom(...' \n:-[]{},*&!|>#\'"0.1aexz%~?@`'), maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const edited = edits.reduce((now, { at, cut, put }) => now.slice(0, at) + put + now.slice(at + cut), text);
      accepted(() => parseExperiment(edited, 't.yaml', options));
    }),
    { numRuns: 500 },
  );
});

test('no value in any field is a crash', () => {
  const keys = Object.keys(plain);
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 4 }), (key, value) => {
      accepted(() => experimentFrom({ ...plain, [key]: value }, options));
    }),
    { numRuns: 500 },
  );
});

test('nesting is measured without recursion', () => {
  expect(nestingDepth('a: [1, {b: 2}]')).toBe(3);
  expect(nestingDepth('- - - 1')).toBe(3);
  expect(nestingDepth('['.repeat(50_000))).toBe(49_999);
});

test('fields of preprocessing: levels as anywhere, neutral ones left out of the runs', () => {
  const runs = expandExperiment(
    experimentFrom(
      {
        name: 'chain',
        dataset: 'digits',
        model: 'resnet-mini',
        attack: 'none',
        preprocessing: { antialias: [false, true], normalization: { mean: 0.5, std: [0.2, 0.25, 0.3] } },
      },
      { catalog: testCatalog, overrides: ['preprocessing.resize=40,input', 'filter=bicubic'] },
    ),
    testCatalog,
  ).map(({ preprocessing }) => preprocessing);
  const common = { filter: 'bicubic', normalization: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.25, 0.3] } };
  expect(runs).toEqual([
    { ...common, resize: 40 },
    { ...common, resize: 40, antialias: true },
    common,
    { ...common, antialias: true },
  ]);
});
