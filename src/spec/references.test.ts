import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { zipOf } from '../../test/support/zip-file.ts';
import { forgetCards } from '../models/weights/card.ts';
import { installed } from './catalog.ts';
import { experimentFrom, loadExperiment } from './parse.ts';
import { planExperiment, requireWeights } from './plan.ts';
import { catalogFor } from './references.ts';

let folder: string;

/** A plain 8 × 8 image as PPM. */
const ppm = (level: number) => Buffer.concat([Buffer.from('P6 8 8 255 '), Buffer.alloc(192, level)]);

function archive(level: number): Buffer {
  const paths = ['train/a', 'train/b', 'test/a', 'test/b'];
  return zipOf(Object.fromEntries(paths.flatMap((path) => [0, 1, 2].map((i) => [`${path}/${i}.ppm`, ppm(level + i)]))));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-references-'));
  vi.stubEnv('TRIGGERLAB_CACHE', join(folder, 'cache'));
  mkdirSync(join(folder, 'copy'));
  writeFileSync(join(folder, 'x.zip'), archive(0));
  copyFileSync(join(folder, 'x.zip'), join(folder, 'copy', 'x.zip'));
  copyFileSync(join(folder, 'x.zip'), join(folder, 'y.zip'));
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'other', 'x.zip'), archive(7));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const spec = (dataset: unknown, more: object = {}) => ({
  name: 'x',
  dataset,
  model: 'resnet-mini',
  init: 'random',
  inputSize: 32,
  attack: { type: 'badnets', size: 0.3, color: 'white', position: 'middle', poisonRate: 0.5 },
  ...more,
});

async function plan(dataset: unknown, more: object = {}) {
  const written = spec(dataset, more);
  const catalog = await catalogFor(written);
  return planExperiment(experimentFrom(written, { catalog }), catalog);
}
const ids = async (dataset: unknown) => (await plan(dataset)).runs.map(({ runId }) => runId);
const at = (name: string) => join(folder, name);

describe('datasets given by path', () => {
  it('are known by their content: another path, another name and another spelling give the same runs', async () => {
    const there = await ids(at('x.zip?train=4&test=2'));
    expect(await ids(at('copy/x.zip?test=2&train=4'))).toEqual(there);
    expect(await ids(at('y.zip?test=2&train=4'))).toEqual(there);
    expect(
      new Set([...there, ...(await ids(at('x.zip'))), ...(await ids(at('other/x.zip?train=4&test=2')))]).size,
    ).toBe(6);
  });

  it('are planned under their short names', async () => {
    const { runs, factors } = await plan([at('x.zip?train=2&size=16'), at('x.zip'), 'mnist10k']);
    expect(runs).toHaveLength(6);
    expect(runs[1].spec.dataset).toBe(at('x.zip'));
    expect(factors.find(({ field }) => field === 'dataset')?.levels.map(({ value }) => value)).toEqual([
      'x.zip?size=16&train=2',
      'x.zip',
      'mnist10k',
    ]);
  });

  it('may be named by any of their paths in rules', async () => {
    const exclude = [{ dataset: at('y.zip') }];
    expect((await plan([at('x.zip'), 'mnist10k'], { exclude })).runs).toHaveLength(2);
  });

  it.each([
    [['x.zip', 'copy/x.zip'], 'is listed twice'],
    [['x.zip', 'other/x.zip'], 'would both be called x.zip in the results'],
    [['no.zip'], 'no.zip: no such file or folder'],
    [['x.zip?trian=3'], 'unknown option "trian"'],
  ])('refuses %j', async (names, message) => {
    await expect(plan(names.map(at))).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining(message),
    });
  });

  it('check the target and the trigger like any other', async () => {
    await expect(plan(at('x.zip'), { target: 2 })).rejects.toThrow('has the classes 0 to 1');
  });

  it('are told with their place in the file, and --set takes their place', async () => {
    const file = at('spec.yaml');
    writeFileSync(file, `name: x\ndataset:\n  - mnist10k\n  - ${at('no.zip')}\nmodel: resnet-mini\nattack: none\n`);
    await expect(catalogFor(file)).rejects.toThrow(`${file}:4:5: dataset: `);
    const overrides = [`dataset=${at('x.zip')}?train=2`];
    const catalog = await catalogFor(file, { overrides });
    expect(planExperiment(loadExperiment(file, { overrides, catalog }), catalog).runs).toHaveLength(1);
    await expect(catalogFor(file, { overrides: [`dataset=${at('lost.zip')}`] })).rejects.toThrow('--set dataset=');
  });
});

describe('parts of datasets', () => {
  it('may be written as texts and as mappings, and are planned without the data', async () => {
    const part = { name: 'mnist', perClass: 100, classes: [1, 0] };
    const { runs, factors } = await plan([part, 'mnist', { path: at('x.zip'), train: 2 }]);
    expect(runs).toHaveLength(6);
    expect(factors.find(({ field }) => field === 'dataset')?.levels.map(({ value }) => value)).toEqual([
      'mnist?classes=0+1&perClass=100',
      'mnist',
      'x.zip?train=2',
    ]);
    expect(await ids('mnist?perClass=100&classes=0,1')).toEqual(await ids(part));
    expect(new Set([...(await ids(part)), ...(await ids('mnist'))]).size).toBe(4);
    await expect(plan([part, 'mnist?classes=1+0&perClass=100'])).rejects.toThrow('is listed twice');
  });
  it('may be set on the command line', async () => {
    const overrides = ['dataset=mnist?classes=0+1&perClass=5,{name: cifar10, limit: 50}'];
    const catalog = await catalogFor(spec('mnist10k'), { overrides });
    const { runs } = planExperiment(experimentFrom(spec('mnist10k'), { catalog, overrides }), catalog);
    expect(new Set(runs.map(({ spec: s }) => s.dataset))).toEqual(
      new Set(['mnist?classes=0+1&perClass=5', 'cifar10?limit=50']),
    );
  });
  it.each([
    [{ name: 'mnist', perClas: 5 }, 'unknown option "perClas"'],
    [{ name: 'mnits', perClass: 5 }, 'unknown dataset "mnits"'],
    [{ perClass: 5 }, 'a dataset is {name: …}'],
    ['mnist?classes=0+10', 'there is no class "10"'],
  ])('refuses %j', async (dataset, message) => {
    await expect(plan(dataset)).rejects.toMatchObject({ kind: 'input', message: expect.stringContaining(message) });
  });
  it('count their own classes', async () => {
    await expect(plan('mnist?classes=4+5', { target: 2 })).rejects.toThrow('has the classes 0 to 1');
  });
});

describe('models given by path', () => {
  it.each([
    ['no.onnx', 'no such file'],
    ['x.zip', 'is no ONNX file'],
    ['weights.pth', 'is no ONNX file'],
  ])('refuses %s', async (name, message) => {
    const model = at(name);
    await expect(catalogFor(spec('mnist10k', { model }))).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringContaining(message),
    });
  });
});

describe('models given with a version of their weights', () => {
  const place = (version: string | undefined, sha256: string) => {
    const name = version === undefined ? 'resnet18' : `resnet18@${version}`;
    const card = { model: 'resnet18', version, file: 'x.safetensors', sha256, inputSize: 224, classes: 10, data: 'x' };
    mkdirSync(at('cache/weights'), { recursive: true });
    writeFileSync(at(`cache/weights/${name}.json`), JSON.stringify(card));
    forgetCards();
  };
  const planned = async (model: unknown, init: unknown = 'pretrained') =>
    (await plan('mnist10k', { model, init, inputSize: 64 })).runs.filter(({ twinId }) => twinId !== undefined);
  const named = async (...rest: Parameters<typeof planned>) => (await planned(...rest)).map(({ spec: s }) => s.model);
  beforeAll(() => {
    place('V1', 'a'.repeat(64));
    place('mine', 'b'.repeat(64));
  });

  it('are factors under their full names', async () => {
    expect(await named(['resnet18@V1', 'resnet18@mine'])).toEqual(['resnet18@V1', 'resnet18@mine']);
    const { factors } = await plan('mnist10k', { model: ['resnet18@V1', 'resnet18@mine'], init: 'pretrained' });
    const levels = factors.find(({ field }) => field === 'model')?.levels;
    expect(levels?.map(({ value }) => value)).toEqual(['resnet18@V1', 'resnet18@mine']);
  });

  it('are known by their weights: the plain name that means the same gives the same run', async () => {
    const [[plain], [one], [mine]] = await Promise.all(
      ['resnet18', 'resnet18@V1', 'resnet18@mine'].map((m) => planned(m)),
    );
    expect(plain.spec.model).toBe('resnet18');
    expect(plain.runId).toBe(one.runId);
    expect(mine.runId).not.toBe(one.runId);
    await expect(planned(['resnet18', 'resnet18@V1'])).rejects.toThrow('is listed twice');
  });

  it('are one network when it starts at random', async () => {
    expect(await named(['resnet18@V1', 'resnet18@mine'], ['pretrained', 'random'])).toEqual([
      'resnet18@V1',
      'resnet18',
      'resnet18@mine',
    ]);
  });

  it('may be named in rules and by --set', async () => {
    const written = spec('mnist10k', { model: ['resnet18@V1', 'resnet-mini'], exclude: [{ model: 'resnet18@V1' }] });
    const catalog = await catalogFor(written);
    expect(planExperiment(experimentFrom(written, { catalog }), catalog).runs).toHaveLength(2);
    const overrides = ['model=resnet18@mine', 'init=pretrained'];
    const other = await catalogFor(spec('mnist10k'), { overrides });
    const [run] = planExperiment(experimentFrom(spec('mnist10k'), { catalog: other, overrides }), other).runs;
    expect(run.spec.model).toBe('resnet18@mine');
  });

  it.each([
    ['resnet18@V2', 'there are no weights resnet18@V2'],
    ['resnet19@V1', 'resnet19@V1'],
    ['../resnet18@V1', 'is no ONNX file'],
  ])('refuses %s', async (model, message) => {
    await expect(planned(model)).rejects.toMatchObject({ kind: 'input', message: expect.stringContaining(message) });
  });
});

describe('models whose published weights are not here', () => {
  const lacking = (model: unknown) => plan('mnist10k', { model, init: 'pretrained', inputSize: 64 });

  it('can be planned: the plan names them, and whoever runs it is told', async () => {
    const made = await lacking(['resnet34', 'resnet50@V2', 'resnet-mini']);
    expect(made.missingWeights.map(({ model }) => model)).toEqual(['resnet34', 'resnet50@V2']);
    expect(() => requireWeights(made)).toThrow(
      expect.objectContaining({
        kind: 'input',
        message: 'spec: model: resnet34 has no pretrained weights, nor have resnet50@V2',
        hint: expect.stringContaining('triggerlab weights pull resnet34'),
      }),
    );
    const here = await lacking('resnet-mini');
    expect(here.missingWeights).toEqual([]);
    expect(() => requireWeights(here)).not.toThrow();
  });

  it('are told apart by what is published: the default version is the plain name', async () => {
    const ids = async (model: string) => (await lacking(model)).runs.map(({ runId }) => runId);
    const [plain, second, first] = await Promise.all(['resnet50', 'resnet50@V2', 'resnet50@V1'].map(ids));
    expect(plain).toEqual(second);
    expect(plain).not.toEqual(first);
    await expect(lacking(['resnet50', 'resnet50@V2'])).rejects.toThrow('is listed twice');
  });

  it('must fit the input size, like weights that are here', async () => {
    await expect(plan('mnist10k', { model: 'googlenet', init: 'pretrained', inputSize: 8 })).rejects.toThrow();
  });
});

it('a spec without paths sees what is installed', async () => {
  const { datasets, models } = await catalogFor(spec('mnist10k'));
  expect(datasets.names).toEqual(installed.datasets.names);
  expect(models.all).toEqual(installed.models.all);
});
