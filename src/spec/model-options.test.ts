import { describe, expect, it } from 'vitest';
import { experimentFrom } from './parse.ts';
import { planExperiment } from './plan.ts';
import { catalogFor } from './references.ts';

describe('options of models', () => {
  const planOf = async (model: unknown, more: object = {}) => {
    const attack = { type: 'badnets', size: 0.3, color: 'white', position: 'middle', poisonRate: 0.5 };
    const written = { name: 'x', dataset: 'mnist10k', model, attack, ...more };
    const catalog = await catalogFor(written);
    return planExperiment(experimentFrom(written, { catalog }), catalog);
  };

  it('are levels of the model, told as factors of their own', async () => {
    const { runs, factors } = await planOf([
      'alexnet-mini',
      'alexnet-mini?dropout=0&dense=64',
      'alexnet-mini?dropout=0',
    ]);
    expect(runs).toHaveLength(6);
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(6);
    const levels = (name: string) => factors.find(({ field }) => field === name)?.levels;
    expect(levels('model')?.map(({ value }) => value)).toEqual(['alexnet-mini']);
    expect(levels('model.dropout')).toEqual([
      { value: 0, poisoned: 2, clean: 2 },
      { value: 'default', poisoned: 1, clean: 1 },
    ]);
    expect(levels('model.dense')).toContainEqual({ value: 64, poisoned: 1, clean: 1 });
    expect(levels('model.dropoutAt')).toBeUndefined();
  });

  it('are part of the id only where they differ from what the network has anyway', async () => {
    const idsOf = async (model: string, more: object = {}) =>
      (await planOf(model, more)).runs.map(({ runId }) => runId);
    const there = await idsOf('alexnet-mini');
    expect(await idsOf('alexnet-mini?dense=256&dropout=0.2&dropoutAt=before')).toEqual(there);
    expect(await idsOf('alexnet-mini?dropout=0&dense=64')).toEqual(await idsOf('alexnet-mini?dense=64&dropout=0.0'));
    const random = { init: 'random' };
    const fresh = await idsOf('alexnet-mini?dense=64', random);
    expect(new Set([...there, ...fresh, ...(await idsOf('alexnet-mini', random))]).size).toBe(6);
  });

  it('leave a version of the weights before them, and can be named in rules', async () => {
    const { runs } = await planOf('alexnet?dense=512', { weights: 'V1', inputSize: 224 });
    expect(runs.map(({ spec }) => spec.model)).toEqual(Array(2).fill('alexnet@V1?dense=512'));
    const exclude = [{ model: 'alexnet-mini?dense=64' }];
    expect((await planOf(['alexnet-mini?dense=64', 'alexnet-mini'], { exclude })).runs).toHaveLength(2);
  });

  it.each([
    [['alexnet-mini?dropout=0', 'alexnet-mini?dropoutAt=after&dropout=0'], 'is listed twice'],
    [['alexnet-mini?dens=4'], 'spec: model: alexnet-mini?dens=4: unknown option "dens"'],
    [['resnet-mini?dropout=0'], 'resnet-mini has no dropout'],
    [['alexnet-mni?dense=4'], 'unknown model "alexnet-mni"'],
    [['alexnet-mini?dense=64'], 'alexnet-mini?dense=64: freeze policy from:16 trains nothing', { freeze: 'from:16' }],
  ])('refuses %j', async (names, message, more: object = {}) => {
    await expect(planOf(names, more)).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining(message),
    });
  });
});
