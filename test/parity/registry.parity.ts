// Names, shapes and initialisation of every size of the four families against torchvision.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.ts';
import { describeArchitecture, type Origin } from '../../src/models/architecture.ts';
import { models } from '../../src/models/registry.ts';
import { randomState } from '../../src/models/state.ts';
import { settings } from './full-size.ts';
import { askTorch, requireTorch } from './python.ts';

type Listing = Record<'parameters' | 'buffers', [name: string, shape: number[]][]>;

let listings: Record<string, Listing>;
beforeAll(async () => {
  await requireTorch();
  listings = JSON.parse(await askTorch('registry')) as Record<string, Listing>;
});

const FULL_SIZE = models.all.filter(({ name }) => !name.endsWith('-mini'));

/** Buffers and, in the GoogLeNet with auxiliary heads, layers are in another order here, which no policy counts. */
const sorted = (list: readonly { readonly name: string; readonly shape: readonly number[] }[]) =>
  list.map(({ name, shape }) => `${name} [${shape}]`).sort();

describe('names and shapes, as torchvision lists them', () => {
  const cases = FULL_SIZE.flatMap(({ name }) =>
    (['pretrained', 'random'] as const).map((init) => [name, init] as const),
  );
  it.each(cases)('%s, %s', (name, init: Origin) => {
    const { architecture, inputSize } = models.get(name);
    const info = describeArchitecture(architecture, inputSize, settings.classes, init);
    const { parameters, buffers } = listings[`${name} ${init}`];
    const theirs = parameters.map(([name, shape]) => ({ name, shape }));
    expect(sorted(info.parameters)).toEqual(sorted(theirs));
    expect(sorted(info.buffers)).toEqual(sorted(buffers.map(([name, shape]) => ({ name, shape }))));
    const auxiliary = (list: typeof theirs) => list.map(({ name }) => name).filter((name) => !name.startsWith('aux'));
    expect(auxiliary([...info.parameters].map(({ name, shape }) => ({ name, shape: [...shape] })))).toEqual(
      auxiliary(theirs),
    );
  });

  it('torchvision was asked for every network of the registry', () => {
    expect(FULL_SIZE).toHaveLength(15);
    expect(Object.keys(listings)).toHaveLength(30);
  });
});

/** Count, mean, deviation and kurtosis. */
type Moments = [count: number, mean: number, deviation: number, kurtosis: number];

function moments({ data }: Tensor): Moments {
  const values = data as Float32Array;
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let [second, fourth] = [0, 0];
  for (const value of values) {
    const square = (value - mean) ** 2;
    second += square;
    fourth += square * square;
  }
  const variance = second / values.length;
  return [values.length, mean, Math.sqrt(variance), variance > 0 ? fourth / values.length / variance ** 2 : 0];
}

/** Standard errors that two draws may be apart. Seeds are fixed: what passes once passes always. */
const SIGMAS = 5;

describe('initialisation from scratch, within statistical error', () => {
  it.each(['alexnet', 'googlenet', 'vgg11_bn', 'resnet18', 'resnet50'])('%s', async (name) => {
    const { architecture, inputSize } = models.get(name);
    const theirs = JSON.parse(await askTorch('init', '0', name)) as Record<string, Moments>;
    const info = describeArchitecture(architecture, inputSize, settings.classes, 'random');
    const wrong = info.parameters.flatMap((parameter) => {
      const state = randomState({ parameters: [parameter], buffers: [] }, 0);
      const ours = moments(state[parameter.name]);
      const [count, mean, deviation, kurtosis] = theirs[parameter.name];
      const error = deviation * Math.sqrt(2 / count);
      // Of few numbers, mean and deviation say something, the fourth power little.
      const ok =
        ours[0] === count &&
        Math.abs(ours[1] - mean) <= SIGMAS * error &&
        Math.abs(ours[2] - deviation) <= SIGMAS * error &&
        (count < 1000 || Math.abs(ours[3] - kurtosis) <= SIGMAS * Math.sqrt(48 / count));
      return ok ? [] : [`${parameter.name}: ${ours.join(' ')} against ${[count, mean, deviation, kurtosis].join(' ')}`];
    });
    expect(info.parameters.map((parameter) => parameter.name).sort()).toEqual(Object.keys(theirs).sort());
    expect(wrong).toEqual([]);
  });
});
