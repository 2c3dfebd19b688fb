import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NEUTRAL_AUGMENTATION } from '../data/augmentation-fields.ts';
import { NEUTRAL_PREPROCESSING } from '../data/preprocessing-fields.ts';
import { normalise, runId, runIds } from './identity.ts';
import type { RunSpec } from './run-spec.ts';

const run: RunSpec = {
  dataset: 'digits',
  model: 'resnet-mini',
  init: 'pretrained',
  freeze: 'paper',
  inputSize: 32,
  attack: { type: 'badnets', size: 0.08, color: 'white' },
  poisonRate: 0.02,
  targetClass: 3,
  training: { optimizer: 'sgd', learningRate: 0.01, momentum: 0.9, weightDecay: 0, epochs: 5, batchSize: 128 },
  seed: 7,
};
const inputs = { datasetFingerprint: 'digits-1', weightsHash: 'a'.repeat(64) };

/** The same value with the keys of every map turned round. */
function reversed<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const members = Object.entries(value).map(([key, member]) => [key, reversed(member)]);
  return Object.fromEntries(members.reverse()) as T;
}

// These ids name results in people's stores. A change here orphans them: raise NUMERICS_VERSION only on purpose.
test('golden ids', () => {
  expect(runId(run, inputs)).toBe('25740ca6c87450255677');
  expect(runId({ ...run, attack: { type: 'none' } }, inputs)).toBe('2f78d702a6e1a719471e');
  expect(runId({ ...run, init: 'random', training: { ...run.training, optimizer: 'adam' } }, inputs)).toBe(
    'a094cb25b8bfaa7c7e73',
  );
});

test('the order of keys does not matter', () => {
  expect(Object.keys(reversed(run))).not.toEqual(Object.keys(run));
  expect(runId(reversed(run), inputs)).toBe(runId(run, inputs));
});

test('everything that changes a result changes the id', () => {
  const training = (change: Partial<RunSpec['training']>): RunSpec => ({
    ...run,
    training: { ...run.training, ...change },
  });
  const others: RunSpec[] = [
    { ...run, dataset: 'scenes' },
    { ...run, model: 'alexnet-mini' },
    { ...run, model: 'alexnet-mini?dense=64' },
    { ...run, model: 'alexnet-mini?dense=64&dropout=0' },
    { ...run, model: 'alexnet-mini?dense=64', init: 'random' },
    { ...run, init: 'random' },
    { ...run, freeze: 'head' },
    { ...run, inputSize: 64 },
    { ...run, attack: { type: 'none' } },
    { ...run, attack: { ...run.attack, size: 0.16 } },
    { ...run, attack: { type: 'warp' } },
    { ...run, poisonRate: 0.01 },
    { ...run, targetClass: 0 },
    { ...run, defense: { type: 'mend', rate: 0.5 } },
    { ...run, defense: { type: 'mend', rate: 0.3 } },
    { ...run, attack: { type: 'none' }, defense: { type: 'mend', rate: 0.3 } },
    { ...run, labels: 'all-to-all' },
    { ...run, labels: 'clean-label' },
    { ...run, labels: 'source-specific', sources: [1] },
    { ...run, labels: 'source-specific', sources: [1, 2] },
    { ...run, labels: 'source-specific', sources: [1], coverRate: 0.1 },
    { ...run, poisonSet: 'per-batch' },
    { ...run, seed: 8 },
    training({ optimizer: 'adam' }),
    training({ learningRate: 0.001 }),
    training({ momentum: 0.5 }),
    training({ weightDecay: 1e-4 }),
    training({ epochs: 6 }),
    training({ batchSize: 64 }),
    training({ modeAfterFirstEpoch: 'eval' }),
    { ...run, stem: 'replaced' },
    { ...run, testLimit: 100 },
    { ...run, asrOver: 'all' },
    { ...run, augmentation: { crop: 4 } },
    { ...run, augmentation: { crop: 4, cropProbability: 0.5 } },
    { ...run, augmentation: { rotation: 10 } },
    { ...run, augmentation: { flip: 0.5 } },
    { ...run, augmentation: { flip: 0.5, draw: 'batch' } },
    { ...run, augmentation: { resizedCrop: 0.08 } },
    { ...run, preprocessing: { rewrite: 64 } },
    { ...run, preprocessing: { resize: 40 } },
    { ...run, preprocessing: { resize: 'none' } },
    { ...run, preprocessing: { filter: 'bicubic' } },
    { ...run, preprocessing: { antialias: true } },
    { ...run, preprocessing: { quantize: 'once' } },
    { ...run, preprocessing: { normalization: 'dataset' } },
    { ...run, preprocessing: { normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } } },
  ];
  const ids = [run, ...others].map((spec) => runId(spec, inputs));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).not.toContain(runId(run, { ...inputs, datasetFingerprint: 'digits-2' }));
  expect(ids).not.toContain(runId(run, { ...inputs, weightsHash: 'c'.repeat(64) }));
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{20}$/);
});

test('what has no effect does not', () => {
  const clean: RunSpec = { ...run, attack: { type: 'none' } };
  expect(runId({ ...clean, poisonRate: 0, targetClass: 0 }, inputs)).toBe(runId(clean, inputs));
  const adam: RunSpec = { ...run, training: { ...run.training, optimizer: 'adam' } };
  expect(runId({ ...adam, training: { ...adam.training, momentum: 0 } }, inputs)).toBe(runId(adam, inputs));
  const random: RunSpec = { ...run, init: 'random' };
  const resized = (model: string): RunSpec => ({ ...random, model });
  expect(runId(resized('alexnet@V1?dense=64&dropout=0'), inputs)).toBe(
    runId(resized('alexnet?dropout=0&dense=64'), inputs),
  );
  expect(runId(random, { datasetFingerprint: 'digits-1' })).toBe(runId(random, inputs));
  expect(runId({ ...run, labels: 'all-to-one', coverRate: 0, sources: [1] }, inputs)).toBe(runId(run, inputs));
  expect(runId({ ...clean, labels: 'source-specific', sources: [1], poisonSet: 'per-batch' }, inputs)).toBe(
    runId(clean, inputs),
  );
  const each: RunSpec = { ...run, labels: 'all-to-all' };
  expect(runId({ ...each, targetClass: 5 }, inputs)).toBe(runId(each, inputs));
  expect(normalise(normalise(clean))).toEqual(normalise(clean));
  const neutral: RunSpec = {
    ...run,
    ...{
      stem: 'kept',
      testLimit: 'all',
      asrOver: 'others',
      preprocessing: NEUTRAL_PREPROCESSING,
      augmentation: NEUTRAL_AUGMENTATION,
    },
    training: { ...run.training, modeAfterFirstEpoch: 'train' },
  };
  expect(runId(neutral, inputs)).toBe(runId(run, inputs));
  expect(runId({ ...clean, asrOver: 'all' }, inputs)).toBe(runId(clean, inputs));
  expect(normalise(neutral)).toEqual(normalise(run));
  const chance: RunSpec = { ...run, augmentation: { cropProbability: 0.5, draw: 'batch' } };
  expect(runId(chance, inputs)).toBe(runId(run, inputs));
  expect(runId({ ...random, stem: 'replaced' }, inputs)).toBe(runId(random, inputs));
  const short: RunSpec = { ...run, training: { ...run.training, epochs: 1 } };
  const still: RunSpec = { ...short, training: { ...short.training, modeAfterFirstEpoch: 'eval' } };
  expect(runId(still, inputs)).toBe(runId(short, inputs));
  expect(normalise({ ...run, preprocessing: { resize: 'input', antialias: true } }).preprocessing).toEqual({
    antialias: true,
  });
});

/** A run in which every field of the identity is set to something other than its neutral value. */
const everything: RunSpec = {
  ...run,
  model: 'alexnet-mini?dense=64',
  stem: 'replaced',
  testLimit: 500,
  asrOver: 'all',
  preprocessing: { rewrite: 32, quantize: 'once' },
  augmentation: { flip: 0.5 },
  labels: 'source-specific',
  sources: [1, 2],
  coverRate: 0.05,
  poisonSet: 'per-batch',
  training: { ...run.training, modeAfterFirstEpoch: 'eval' },
  defense: { type: 'mend', rate: 0.25 },
};

test('a golden id of a run with every field, and every field takes part in it', () => {
  const id = runId(everything, inputs);
  expect(id).toBe('3301049fdcba2c26515b');
  const without = Object.keys(everything).filter((name) => !(name in run));
  for (const name of without)
    expect([name, runId({ ...everything, [name]: undefined }, inputs)]).not.toEqual([name, id]);
  expect(runId(everything, { ...inputs, datasetFingerprint: 'digits-2' })).not.toBe(id);
  expect(runId(everything, { ...inputs, weightsHash: 'b'.repeat(64) })).not.toBe(id);
});

test('whatever the order of keys and whatever has no effect, the id is the same; another seed is another id', () => {
  const specs = fc.record({
    poisonRate: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    targetClass: fc.nat({ max: 9 }),
    inputSize: fc.integer({ min: 8, max: 1024 }),
    seed: fc.nat({ max: 2 ** 31 - 1 }),
    attack: fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string(), fc.boolean()),
    ),
    optimizer: fc.constantFrom('adam' as const, 'sgd' as const),
    idle: fc.double({ min: 0, max: 0.99, noNaN: true }),
  });
  fc.assert(
    fc.property(specs, ({ attack, optimizer, idle, ...fields }) => {
      const spec: RunSpec = {
        ...run,
        ...fields,
        attack: { ...attack, type: 'badnets' },
        training: { ...run.training, optimizer },
      };
      const id = runId(spec, inputs);
      expect(runId(reversed(spec), inputs)).toBe(id);
      expect(
        runId(
          {
            ...spec,
            stem: 'kept',
            labels: 'all-to-one',
            coverRate: 0,
            poisonSet: 'fixed',
            testLimit: 'all',
            defense: undefined,
          },
          inputs,
        ),
      ).toBe(id);
      if (optimizer === 'adam')
        expect(runId({ ...spec, training: { ...spec.training, momentum: idle } }, inputs)).toBe(id);
      const clean = runId({ ...spec, attack: { type: 'none' } }, inputs);
      expect(
        runId({ ...spec, attack: { type: 'none' }, poisonRate: idle, targetClass: 1, asrOver: 'all' }, inputs),
      ).toBe(clean);
      expect(runId({ ...spec, seed: spec.seed === 0 ? 1 : spec.seed - 1 }, inputs)).not.toBe(id);
      expect(runIds(normalise(spec), inputs)(spec.seed)).toBe(id);
    }),
    { numRuns: 200 },
  );
});
