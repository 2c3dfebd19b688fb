import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { filled, sizeOf } from '../core/tensor.ts';
import { describeArchitecture } from './architecture.ts';
import { initialize } from './initializers.ts';
import { models } from './registry.ts';
import { initialState, type ModelState, randomState } from './state.ts';

const drawn = (model: string, seed: number, classes = 10) =>
  initialState(models.get(model), { inputSize: 32, classes, init: 'random', seed });

const differing = (a: ModelState, b: ModelState) =>
  Object.keys(a).filter((name) => !Buffer.from(a[name].data.buffer).equals(Buffer.from(b[name].data.buffer)));

describe('a network drawn from a seed', () => {
  it.each(['alexnet-mini', 'resnet-mini'])('%s: the same bits for the same seed, others for another', async (model) => {
    const first = await drawn(model, 1);
    const second = await drawn(model, 2);
    expect(differing(first.state, (await drawn(model, 1)).state)).toEqual([]);
    const random = first.info.parameters.filter(({ initializer }) => initializer.kind !== 'constant');
    expect(differing(first.state, second.state).sort()).toEqual(random.map(({ name }) => name).sort());
    for (const { name, shape } of [...first.info.parameters, ...first.info.buffers]) {
      expect(first.state[name].shape, name).toEqual(shape);
      expect(first.state[name].data, name).toHaveLength(sizeOf(shape));
    }
  });

  it('has a head for its classes; the other tensors do not depend on their number', async () => {
    const ten = await drawn('resnet-mini', 3, 10);
    const seven = await drawn('resnet-mini', 3, 7);
    expect(seven.state['fc.weight'].shape).toEqual([7, 128]);
    expect(seven.state['fc.bias'].shape).toEqual([7]);
    expect(differing(ten.state, seven.state).sort()).toEqual(['fc.bias', 'fc.weight']);
  });

  it('starts batch norms as PyTorch does', async () => {
    const { state } = await drawn('resnet-mini', 0);
    expect(state['bn1.weight']).toEqual(filled([16], 1));
    expect(state['bn1.bias']).toEqual(filled([16], 0));
    expect(state['bn1.running_mean']).toEqual(filled([16], 0));
    expect(state['bn1.running_var']).toEqual(filled([16], 1));
  });

  it('has no pretrained weights for a model without a card', async () => {
    const model = { ...models.get('resnet-mini'), name: 'untrained-mini' };
    const options = { inputSize: 32, classes: 10, init: 'pretrained', seed: 0 } as const;
    await expect(initialState(model, options)).rejects.toMatchObject({
      kind: 'input',
      message: 'model "untrained-mini" has no pretrained weights',
      hint: expect.stringContaining('triggerlab pretrain untrained-mini'),
    });
  });
});

describe('shipped weights', () => {
  const shipped = models.all.filter(({ weightsHash }) => weightsHash !== undefined).map(({ name }) => name);

  it.each(shipped)('%s: fit the network, with a head of its own drawn from the seed', async (name) => {
    const model = models.get(name);
    const options = { inputSize: model.inputSize, classes: 7, init: 'pretrained' } as const;
    const { info, state } = await initialState(model, { ...options, seed: 1 });
    for (const { name: tensor, shape } of [...info.parameters, ...info.buffers]) {
      expect(state[tensor].shape, tensor).toEqual(shape);
      expect(state[tensor].data, tensor).toHaveLength(sizeOf(shape));
      expect((state[tensor].data as Float32Array).every(Number.isFinite), tensor).toBe(true);
    }
    const { head } = model.architecture;
    const other = await initialState(model, { ...options, seed: 2 });
    expect(differing(state, other.state).sort()).toEqual([`${head}.bias`, `${head}.weight`]);
    const fresh = randomState(describeArchitecture(model.architecture, model.inputSize, 7, 'pretrained'), 1);
    expect(state[`${head}.weight`]).toEqual(fresh[`${head}.weight`]);
  });
});

describe('initialize', () => {
  const spread = (data: Float32Array) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);

  it('uniform: within 1/√fan-in, of the deviation that has', () => {
    const { data } = initialize({ kind: 'uniform' }, [32, 16, 3, 3], Rng.of(0));
    const bound = 1 / Math.sqrt(16 * 9);
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
    expect(spread(data) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
    const bias = initialize({ kind: 'uniform', fanIn: 4 }, [1000], Rng.of(0)).data;
    expect(Math.max(...bias)).toBeGreaterThan(0.45);
    expect(Math.max(...bias)).toBeLessThanOrEqual(0.5);
  });

  it('kaiming-fan-out: deviation √(2 / (outputs·k²))', () => {
    const { data } = initialize({ kind: 'kaiming-fan-out' }, [64, 8, 3, 3], Rng.of(1));
    expect(spread(data) / Math.sqrt(2 / (64 * 9))).toBeCloseTo(1, 1);
  });
});
