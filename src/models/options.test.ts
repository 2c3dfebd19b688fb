import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../core/tensor.ts';
import type { Shape } from '../graph/graph.ts';
import { Graph } from '../graph/graph.ts';
import { describeArchitecture } from './architecture.ts';
import { Layers } from './layers.ts';
import { readModelOptions } from './options.ts';
import { findModel } from './references.ts';
import { models } from './registry.ts';
import { initialState, resizedLayers } from './state.ts';

const shapes = (name: string) =>
  new Map(describeArchitecture(models.get(name).architecture, 32, 10).parameters.map((p) => [p.name, p.shape]));

/** Dropout layers of a network in training: the length of what each silences a share of, and the share. */
function dropouts(name: string): [layer: string, width: unknown, rate: number][] {
  const graph = new Graph();
  const found: [string, unknown, number][] = [];
  const { architecture } = models.get(name);
  const layers = new Layers(
    {
      graph,
      batchNormMode: 'batch',
      parameter: (parameter, shape) => graph.input(parameter, 'float32', shape),
      buffer: (buffer, shape) => graph.input(buffer, 'float32', shape),
      updateBuffer() {},
      dropoutMask(layer: string, shape: Shape, rate: number) {
        found.push([layer, shape[1], rate]);
        return undefined;
      },
    },
    architecture.convInitializer,
  );
  architecture.forward(layers, graph.input('image', 'float32', ['N', 3, 32, 32]), {
    classes: 10,
    origin: 'pretrained',
  });
  return found;
}

describe('options of a model', () => {
  it('resize the hidden dense layers and nothing else', () => {
    const [usual, small] = [shapes('alexnet-mini'), shapes('alexnet-mini?dense=64')];
    expect(small.get('classifier.1.weight')).toEqual([64, usual.get('classifier.1.weight')?.[1]]);
    expect(small.get('classifier.4.weight')).toEqual([64, 64]);
    expect(small.get('classifier.6.weight')).toEqual([10, 64]);
    const same = [...usual].filter(([name]) => name.startsWith('features.'));
    expect([...small].filter(([name]) => name.startsWith('features.'))).toEqual(same);
    expect([...small.keys()]).toEqual([...usual.keys()]);
  });

  it.each(['alexnet-mini', 'vgg-mini', 'resnet-mini', 'googlenet-mini'])('scale every width of %s', (name) => {
    const [usual, half, twice] = [shapes(name), shapes(`${name}?width=0.5`), shapes(`${name}?width=2`)];
    expect([...half.keys()]).toEqual([...usual.keys()]);
    for (const [layer, [outputs, inputs = 1]] of usual) {
      const head = outputs === 10;
      expect([layer, half.get(layer)?.[0]]).toEqual([layer, head ? 10 : outputs / 2]);
      expect([layer, twice.get(layer)?.[0]]).toEqual([layer, head ? 10 : 2 * outputs]);
      if (inputs > 3) expect([layer, half.get(layer)?.[1]]).toEqual([layer, inputs / 2]);
    }
    expect(shapes(`${name}?width=1.0`)).toEqual(usual);
    expect(models.get(`${name}?width=1`).name).toBe(name);
  });

  it('of width leave explicit sizes alone, and have no pretrained weights', async () => {
    expect(shapes('alexnet-mini?width=0.25&dense=100').get('classifier.4.weight')).toEqual([100, 100]);
    const model = models.get('resnet-mini?width=0.5');
    const options = { inputSize: 32, classes: 10, seed: 0 } as const;
    const { state } = await initialState(model, { ...options, init: 'random' });
    expect(state['conv1.weight'].shape).toEqual([8, 3, 3, 3]);
    await expect(initialState(model, { ...options, init: 'pretrained' })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining('no pretrained weights of resnet-mini?width=0.5'),
    });
    for (const text of ['0', '9', '-1', 'wide', '1e1'])
      expect(() => models.get(`vgg-mini?width=${text}`)).toThrow(/expected a factor above 0, up to 8/);
    expect(() => models.get('resnet18?width=2')).toThrow(/takes no options/);
    expect(() => models.get('alexnet?width=2')).toThrow(/has no width/);
  });

  it('turn dropout off, set its rate, and move it behind the hidden layers', () => {
    const [, inputs] = shapes('alexnet-mini').get('classifier.1.weight') ?? [];
    expect(dropouts('alexnet-mini')).toEqual([
      ['classifier.0', inputs, 0.2],
      ['classifier.3', 256, 0.2],
    ]);
    expect(dropouts('alexnet-mini?dropoutAt=after&dropout=0.5')).toEqual([
      ['classifier.0', 256, 0.5],
      ['classifier.3', 256, 0.5],
    ]);
    expect(dropouts('alexnet-mini?dropout=0')).toEqual([]);
    expect(dropouts('vgg-mini?dropoutAt=before').map(([layer]) => layer)).toEqual(['classifier.2', 'classifier.5']);
    expect(dropouts('googlenet-mini?dropout=0')).toEqual([]);
  });

  it('have one spelling, without what is usual or of no effect', () => {
    const name = (written: string) => models.get(written).name;
    expect(name('alexnet-mini?dropoutAt=after&dense=064')).toBe('alexnet-mini?dense=64&dropoutAt=after');
    expect(name('alexnet-mini?dense=256&dropout=0.20&dropoutAt=before')).toBe('alexnet-mini');
    expect(name('alexnet-mini?dropout=0&dropoutAt=after')).toBe('alexnet-mini?dropout=0');
    expect(name('alexnet-mini?')).toBe('alexnet-mini');
    expect(models.get('alexnet-mini?dense=256')).toBe(models.get('alexnet-mini'));
    expect(models.get('vgg-mini?dense=8')).toBe(models.get('vgg-mini?dense=8'));
  });

  it.each([
    ['alexnet-mini?dens=64', 'unknown option "dens"', 'Did you mean "dense"?'],
    ['alexnet-mini?dense=0', 'dense "0", expected a whole number from 1 to 16384', 'alexnet-mini?dense=64'],
    ['alexnet-mini?dense=1e3', 'dense "1e3"', ''],
    ['alexnet-mini?dropout=1', 'dropout "1", expected a share from 0 up to below 1', 'alexnet-mini?dropout=0.5'],
    ['alexnet-mini?dropout=', 'dropout ""', ''],
    ['alexnet-mini?dropout=-0.1', 'dropout "-0.1"', ''],
    ['alexnet-mini?dropoutAt=behind', 'expected before or after', 'dropoutAt=after'],
    ['alexnet-mini?dense=1&dense=1', 'dense is given twice', 'Keep one'],
    ['resnet18?dropout=0', 'resnet18 takes no options', 'alexnet and vgg'],
    ['googlenet?dense=3', 'googlenet has no dense', 'It takes dropout.'],
    ['alexnet-minni?dense=3', 'unknown model "alexnet-minni"', 'Did you mean "alexnet-mini"?'],
    ['./net.onnx?dense=3', './net.onnx takes no options', ''],
  ])('refuses %s', (name, message, hint) => {
    expect(() => findModel(name)).toThrowError(
      expect.objectContaining({
        kind: 'input',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  it('property: any text behind the ? is either refused as bad input or read into values in range', () => {
    const defaults = models.get('alexnet').options ?? {};
    fc.assert(
      fc.property(
        fc.constantFrom('dense', 'dropout', 'dropoutAt', 'dens', ''),
        fc.oneof(fc.string(), fc.double().map(String), fc.integer().map(String)),
        (key, text) => {
          try {
            const {
              dense = 1,
              dropout = 0,
              dropoutAt = 'before',
            } = readModelOptions(`alexnet?${key}=${text}`, defaults);
            expect(Number.isInteger(dense) && dense >= 1 && dense <= 16_384).toBe(true);
            expect(dropout >= 0 && dropout < 1).toBe(true);
            expect(['before', 'after']).toContain(dropoutAt);
          } catch (error) {
            expect(error).toMatchObject({ kind: 'input' });
          }
        },
      ),
    );
  });
});

const sameBytes = (a: Tensor, b: Tensor) =>
  a.shape.join() === b.shape.join() && Buffer.from(a.data.buffer).equals(Buffer.from(b.data.buffer));

describe('pretrained weights under options', () => {
  const start = async (name: string, seed = 1) =>
    initialState(models.get(name), { inputSize: 32, classes: 10, init: 'pretrained', seed });

  it('are those of the network as it is, but for layers that an option resizes', async () => {
    const [usual, small] = [await start('alexnet-mini'), await start('alexnet-mini?dense=64')];
    expect(resizedLayers(models.get('alexnet-mini?dense=64'), small.info, 32)).toEqual([
      'classifier.1',
      'classifier.4',
    ]);
    const features = usual.info.parameters.map(({ name }) => name).filter((name) => name.startsWith('features.'));
    expect(features.filter((name) => !sameBytes(small.state[name], usual.state[name]))).toEqual([]);
    const fresh = await initialState(models.get('alexnet-mini?dense=64'), {
      inputSize: 32,
      classes: 10,
      init: 'random',
      seed: 1,
    });
    for (const layer of ['classifier.1', 'classifier.4', 'classifier.6'])
      for (const part of ['weight', 'bias'])
        expect(sameBytes(small.state[`${layer}.${part}`], fresh.state[`${layer}.${part}`])).toBe(true);
  });

  it('are all kept where only dropout differs', async () => {
    const [usual, other] = [await start('vgg-mini'), await start('vgg-mini?dropout=0.5&dropoutAt=before')];
    const names = Object.keys(usual.state);
    expect(Object.keys(other.state)).toEqual(names);
    expect(names.filter((name) => !sameBytes(other.state[name], usual.state[name]))).toEqual([]);
    expect(models.get('vgg-mini?dropout=0').weightsHash).toBe(models.get('vgg-mini').weightsHash);
  });
});
