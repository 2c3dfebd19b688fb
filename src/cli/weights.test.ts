import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { describeArchitecture } from '../models/architecture.ts';
import { models } from '../models/registry.ts';
import { randomState } from '../models/state.ts';
import { encodeSafetensors } from '../models/weights/safetensors.ts';
import { hearOutput } from './heard.fixture.ts';
import { runProgram } from './program.ts';
import { registerWeights } from './weights.ts';

const heard = hearOutput();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-weights-'));
  vi.stubEnv('TRIGGERLAB_CACHE', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]) => runProgram([registerWeights], ['weights', ...args]);
interface Row {
  readonly model: string;
  readonly name: string;
  readonly plain: boolean;
  readonly version: string | null;
  readonly where: string;
  readonly default: boolean;
  readonly sha256: string | null;
}
const list = async (): Promise<Row[]> => {
  heard.stdout = '';
  expect(await run('ls', '--json')).toBe(0);
  return JSON.parse(heard.stdout).weights;
};

test('lists what is shipped and what is published', async () => {
  const rows = await list();
  expect(rows.find(({ model }) => model === 'resnet-mini')).toMatchObject({ where: 'shipped', version: null });
  const resnet152 = rows.filter(({ model }) => model === 'resnet152');
  expect(resnet152.map(({ version, where, default: d }) => [version, where, d])).toEqual([
    ['V1', 'published', false],
    ['V2', 'published', true],
  ]);
  heard.stdout = '';
  expect(await run('ls')).toBe(0);
  expect(heard.stdout).toMatch(/^resnet152@V2 +can be pulled \(default\) +241\.7 MB +1000 +f82ba261$/m);
});

test('imports a file, which then is in the list and is what the model starts from', async () => {
  const model = models.get('resnet18');
  const path = join(folder, 'mine.pth');
  writeFileSync(path, encodeSafetensors(randomState(describeArchitecture(model.architecture, 224, 12), 0)));
  expect(await run('import', path, '--model', 'resnet18', '--data', 'my images')).toBe(0);
  expect(heard.stdout).toMatch(/^resnet18, 12 classes, imported: .*\nIn a spec: model: resnet18\n$/);
  const row = (await list()).find(({ model: name, where }) => name === 'resnet18' && where === 'cache');
  expect(row).toMatchObject({ version: null, classes: 12, data: 'my images', sha256: model.weightsHash });
  expect(row).toMatchObject({
    sourceSha256: createHash('sha256')
      .update(encodeSafetensors(randomState(describeArchitecture(model.architecture, 224, 12), 0)))
      .digest('hex'),
  });
});

test('versions of a model stand side by side in the list', async () => {
  const { architecture } = models.get('resnet18');
  for (const version of ['b', 'a']) {
    const path = join(folder, `${version}.pth`);
    const classes = version === 'a' ? 3 : 4;
    writeFileSync(path, encodeSafetensors(randomState(describeArchitecture(architecture, 224, classes), 0)));
    expect(await run('import', path, '--model', `resnet18@${version}`)).toBe(0);
  }
  expect(heard.stdout).toContain('In a spec: model: resnet18@b or resnet18\n');
  expect(heard.stdout).toMatch(/In a spec: model: resnet18@a\n$/);
  const rows = (await list()).filter(({ model }) => model === 'resnet18');
  expect(rows.map(({ name, where, plain }) => [name, where, plain])).toEqual([
    ['resnet18@a', 'cache', false],
    ['resnet18@b', 'cache', true],
    ['resnet18@V1', 'published', false],
  ]);
  heard.stdout = '';
  expect(await run('ls')).toBe(0);
  expect(heard.stdout).toMatch(/^resnet18@a +cache +/m);
  expect(heard.stdout).toMatch(/^resnet18@b, resnet18 +cache +/m);
});

test.each([
  [['import', '/nowhere/x.pth', '--model', 'resnet18'], 2, /cannot open \/nowhere\/x\.pth/],
  [['import', 'x.pth', '--model', 'resnet19'], 2, /unknown model "resnet19"/],
  [['import', 'x.pth'], 2, /--model/],
  [['pull', 'resnet19'], 2, /publishes no weights.*\n.*resnet1/],
  [['pull', 'resnet152@V3'], 2, /no version "V3" of resnet152\n {2}Published: resnet152@V1, resnet152@V2/],
  [
    ['pull', 'resnet152@V1', '--offline'],
    1,
    /resnet152@V1 is not in the cache\n.*resnet152-394f9c45\.pth on another machine.*--model resnet152@V1$/m,
  ],
  [['import', 'x.pth', '--model', 'resnet18@Best one'], 2, /"Best one" cannot name weights/],
  [['pull', 'resnet18', '--from', 'nowhere'], 2, /no http or https address/],
])('%j: exit %i', async (args, code, message) => {
  expect(await run(...args)).toBe(code);
  expect(heard.stderr).toMatch(message);
});
