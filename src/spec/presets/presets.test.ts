// What each preset makes of a run, dataset by dataset and model by model: the differences that the paper's authors' programs have.
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { installed, parameterFields } from '../catalog.ts';
import { expandExperiment } from '../expand.ts';
import { fieldSchema, ordinaryFields } from '../fields.ts';
import { NUMERICS_VERSION } from '../identity.ts';
import { experimentFrom } from '../parse.ts';
import { planExperiment } from '../plan.ts';
import { catalogFor } from '../references.ts';
import type { RunSpec } from '../run-spec.ts';
import { presets } from './index.ts';

const patch = { type: 'badnets', size: 0.06, position: 'top-right', color: 'green', poisonRate: 0.02 };

function runsOf(preset: string | string[], fields: object = {}): RunSpec[] {
  const spec = { name: 'presets', preset, dataset: 'tiny-imagenet', model: 'resnet152', attack: patch, ...fields };
  return expandExperiment(experimentFrom(spec)).filter(({ attack }) => attack.type !== 'none');
}
const runOf = (preset: string, fields: object = {}): RunSpec => runsOf(preset, fields)[0];
const PIL = { antialias: true, quantize: 'each-axis' };

describe('Tiny ImageNet', () => {
  it('corrected: the paper’s schedule on the images as they are', () => {
    const run = runOf('corrected');
    expect(run).toMatchObject({ model: 'resnet152', freeze: 'paper', inputSize: 224 });
    expect(run.training).toEqual({
      ...{ optimizer: 'adam', learningRate: 0.001, momentum: 0, weightDecay: 0, epochs: 20, batchSize: 32 },
    });
    expect(run.attack).toMatchObject({ rounding: 'round', stampAt: 'native' });
    for (const field of ['preprocessing', 'augmentation', 'stem', 'testLimit']) expect(run).not.toHaveProperty(field);
  });

  it('paper-code-2023-01: augmented, cut from 256 to 224, weights V2', () => {
    const run = runOf('paper-code-2023-01');
    expect(run).toMatchObject({ model: 'resnet152@V2', freeze: 'paper-code', inputSize: 224, asrOver: 'all' });
    expect(run.augmentation).toEqual({ flip: 0.5, resizedCrop: 0.08 });
    const mean = [0.485, 0.456, 0.406];
    expect(run.preprocessing).toEqual({ ...PIL, resize: 256, normalization: { mean, std: [0.229, 0.224, 0.225] } });
    expect(run.attack).not.toHaveProperty('axes');
    expect(run.training).toMatchObject({ epochs: 20, batchSize: 32 });
    expect(run.training).not.toHaveProperty('modeAfterFirstEpoch');
    expect(run).not.toHaveProperty('testLimit');
  });

  it('paper-code-2023-04: written anew at 224 before the trigger, then cut from 256; V1; 5,000 test images; evaluation mode', () => {
    const run = runOf('paper-code-2023-04');
    expect(run).toMatchObject({ model: 'resnet152@V1', testLimit: 5000 });
    expect(run.preprocessing).toMatchObject({ ...PIL, rewrite: 224, resize: 256 });
    expect(run).not.toHaveProperty('augmentation');
    expect(run.attack).toMatchObject({ axes: 'swapped', rounding: 'floor' });
    expect(run.training).toMatchObject({ epochs: 10, batchSize: 32, modeAfterFirstEpoch: 'eval' });
  });

  it('VGG takes SGD with momentum, in every preset; a -mini network is not cut', () => {
    for (const { name } of presets.all) {
      const { training } = runOf(name, { model: 'vgg19_bn' });
      expect(training, name).toMatchObject({ optimizer: 'sgd', momentum: 0.9, batchSize: 32 });
      const mini = runOf(name, { model: 'resnet-mini' });
      expect(mini, name).toMatchObject({ inputSize: 32, training: { optimizer: 'adam' } });
      expect(mini, name).not.toHaveProperty('preprocessing.resize');
    }
  });

  it('a part of a dataset and a version of weights are the dataset and the model', async () => {
    const part = { dataset: 'tiny-imagenet?limit=1000', model: 'resnet152@V1' };
    const spec = { name: 'part', preset: 'paper-code-2023-01', ...part, attack: patch };
    const catalog = await catalogFor(spec);
    const run = expandExperiment(experimentFrom(spec, { catalog }), catalog)[1];
    expect(run).toMatchObject({ model: 'resnet152@V1', augmentation: { flip: 0.5 }, training: { batchSize: 32 } });
  });
});

describe('MNIST and CIFAR-10', () => {
  it('paper-code-2023-01 on MNIST: 64 pixels, mean and deviation 1/2, a new stem but for AlexNet, green as black', () => {
    const [alexnet, googlenet] = runsOf('paper-code-2023-01', { dataset: 'mnist', model: ['alexnet', 'googlenet'] });
    const half = [0.5, 0.5, 0.5];
    for (const run of [alexnet, googlenet]) {
      expect(run.inputSize).toBe(64);
      expect(run.preprocessing).toEqual({ ...PIL, normalization: { mean: half, std: half } });
      expect(run.attack).toMatchObject({ onGrey: 'black' });
    }
    expect([alexnet.stem, googlenet.stem]).toEqual([undefined, 'replaced']);
    expect(runOf('paper-code-2023-04', { dataset: 'mnist', model: 'googlenet' })).not.toHaveProperty('stem');
    expect(runOf('paper-code-2023-01', { dataset: 'mnist', init: 'random' })).not.toHaveProperty('stem');
  });

  it('CIFAR-10: 128 pixels and its own normalisation', () => {
    const run = runOf('paper-code', { dataset: 'cifar10' });
    expect(run.inputSize).toBe(128);
    const std = [0.247, 0.243, 0.261];
    expect(run.preprocessing).toEqual({ ...PIL, normalization: { mean: [0.4914, 0.4822, 0.4465], std } });
  });

  it('corrected and paper-text: the paper’s sizes for the paper’s networks, the models’ own for the others', () => {
    for (const preset of ['corrected', 'paper-text']) {
      const sizes = (dataset: string) =>
        runsOf(preset, { dataset, model: ['alexnet', 'resnet18', 'resnet-mini'] }).map((run) => run.inputSize);
      expect([sizes('mnist'), sizes('cifar10')]).toEqual([
        [64, 224, 32],
        [128, 224, 32],
      ]);
    }
  });
});

describe('WaNet', () => {
  it('gets its own program’s noise images and number of epochs', () => {
    const attack = { type: 'wanet', poisonRate: 0.02 };
    const [code, text] = ['paper-code', 'paper-text'].map((preset) => runOf(preset, { dataset: 'cifar10', attack }));
    expect(code).toMatchObject({
      attack: { noisePixels: 'others' },
      training: { epochs: 20, modeAfterFirstEpoch: 'eval' },
    });
    expect(text).toMatchObject({ attack: { noisePixels: 'own' }, training: { epochs: 20 } });
  });
});

describe('how presets and specs go together', () => {
  it('what a spec writes wins over values and rules alike, field by field', () => {
    const fields = {
      training: { batchSize: 48 },
      inputSize: 64,
      weights: 'default',
      attack: { ...patch, axes: 'named' },
    };
    const run = runOf('paper-code-2023-04', fields);
    expect(run).toMatchObject({ model: 'resnet152', inputSize: 64, testLimit: 5000, training: { batchSize: 48 } });
    expect(run.attack).not.toHaveProperty('axes');
    // A rule that asks for an input of 224 pixels finds 64.
    expect(run.preprocessing).not.toHaveProperty('resize');
  });

  it('the spec’s own rules come after those of the preset', () => {
    // biome-ignore lint/suspicious/noThenProperty: a word of the spec.
    const when = [{ if: { testLimit: 5000 }, then: { testLimit: [100, 'all'] } }];
    expect(runsOf('paper-code-2023-04', { when }).map(({ testLimit }) => testLimit)).toEqual([100, undefined]);
  });

  it('paper-code is the program that made an attack’s results', () => {
    expect(runOf('paper-code')).toEqual(runOf('paper-code-2023-01'));
    const clean = (preset: string) =>
      expandExperiment(experimentFrom({ name: 'clean', preset, dataset: 'cifar10', model: 'alexnet', attack: 'none' }));
    expect(clean('paper-code')).toEqual(clean('paper-code-2023-01'));
    expect(clean('paper-code')).not.toEqual(clean('paper-code-2023-04'));
    expect(presets.get('paper-code').when).toEqual(presets.get('paper-code-2023-04').when);
  });

  it('positions that swapping leaves where they are, and colours that are grey, are the same trigger in both programs', () => {
    const attack = { ...patch, position: ['top-left', 'middle', 'bottom-right'], color: ['white', 'black'] };
    const attacks = (preset: string) => runsOf(preset, { attack }).map((run) => run.attack);
    expect(attacks('paper-code-2023-04')).toEqual(attacks('paper-code-2023-01'));
  });
});

test('identical numbers under several presets are one run: the ids of corrected runs stand where they stood', () => {
  expect(NUMERICS_VERSION).toBe(2);
  const spec = {
    name: 'x',
    dataset: 'mnist10k',
    model: 'resnet-mini',
    attack: { type: 'badnets', size: 0.1, poisonRate: 0.01 },
  };
  const ids = planExperiment(experimentFrom({ ...spec, init: 'random' })).runs.map(({ runId }) => runId);
  expect(ids).toEqual(['aed65318ee53cb4d5dff', '6dc4e3d46370e57039bf']);
});

test.each(presets.all)('preset $name names real fields, models and values, and docs/presets.md has them', (preset) => {
  const doc = readFileSync('docs/presets.md', 'utf8');
  expect(doc).toContain(`\`${preset.name}\``);
  expect(preset.source).not.toBe('');
  const ordinary = ordinaryFields(installed);
  for (const [field, value] of Object.entries(preset.fields))
    expect(ordinary[field]?.safeParse(value).success, field).toBe(true);
  for (const [trigger, parameters] of Object.entries(preset.attack)) {
    const schemas = parameterFields(installed.triggers.get(trigger));
    for (const [name, value] of Object.entries(parameters))
      expect(schemas[name]?.safeParse(value).success, name).toBe(true);
  }
  for (const rule of preset.when) {
    expect(rule.source).toMatch(/^(text|code|our reading|our limit)/);
    for (const [field, value] of [...Object.entries(rule.if), ...Object.entries(rule.set)]) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (field === 'attack.type') continue;
        expect(fieldSchema(installed, 'badnets', field)?.safeParse(one).success, `${field} ${one}`).toBe(true);
      }
    }
    for (const field of Object.keys(rule.set)) expect(doc, field).toContain(`\`${field}\``);
  }
});
