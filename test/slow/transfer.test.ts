// suites/transfer.yaml on real files: folders with squeezenet1.1.onnx and bvlc-googlenet.onnx, and with a zip of CIFAR-10 images.
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';

const { TRIGGERLAB_MODELS: models, TRIGGERLAB_DATA: data } = process.env;
const MODELS = ['squeezenet1.1.onnx', 'bvlc-googlenet.onnx'];

/** Why the test cannot be done here; undefined when it can. */
function lacking(): string | undefined {
  if (!models || !data) return 'set TRIGGERLAB_MODELS and TRIGGERLAB_DATA to the folders of the models and the images';
  const missing = MODELS.find((name) => !existsSync(join(models, name)));
  if (missing) return `there is no ${missing} in TRIGGERLAB_MODELS`;
  return archive() ? undefined : 'there is no cifar10….zip in TRIGGERLAB_DATA';
}

function archive(): string | undefined {
  const name = readdirSync(data ?? '.').find((file) => /^cifar-?10.*\.zip$/.test(file));
  return name && resolve(data ?? '.', name);
}

interface Flat {
  readonly model: string;
  readonly dataset: string;
  readonly status: string;
  readonly cleanAccuracy: number;
  readonly asr: number | null;
  readonly naturalAsr: number | null;
}

const reason = lacking();
if (reason) process.stderr.write(`suites/transfer.yaml is not tested: ${reason}\n`);

describe.skipIf(reason !== undefined)('suites/transfer.yaml', () => {
  let folder: string;
  let runs: Flat[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'triggerlab-transfer-'));
    for (const name of MODELS) symlinkSync(resolve(models ?? '.', name), join(folder, name));
    symlinkSync(archive() ?? '', join(folder, 'cifar10.zip'));
    const { code, stdout, stderr } = await cli(folder, 'run', resolve('suites/transfer.yaml'), '--json');
    expect(code, stderr).toBe(0);
    runs = (JSON.parse(stdout) as { runs: Flat[] }).runs;
    process.stdout.write((await cli(folder, 'results', 'transfer')).stdout);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('finishes every run under short names', () => {
    expect(runs).toHaveLength(4);
    expect(runs.map(({ status }) => status)).toEqual(runs.map(() => 'done'));
    expect(new Set(runs.map(({ dataset }) => dataset))).toEqual(new Set(['cifar10.zip?test=2000&train=5000']));
    expect(new Set(runs.map(({ model }) => model))).toEqual(new Set(MODELS));
  });

  // Ten classes: chance is 10 %.
  it.each(MODELS)('%s classifies far above chance, clean and backdoored', (name) => {
    for (const { cleanAccuracy } of runs.filter(({ model }) => model === name)) {
      expect(cleanAccuracy).toBeGreaterThan(0.5);
    }
  });

  it.each(MODELS)('%s answers to the trigger more than its clean twin does', (name) => {
    const [backdoored] = runs.filter(({ model, asr }) => model === name && asr !== null);
    expect(backdoored.asr).toBeGreaterThan((backdoored.naturalAsr ?? 1) + 0.05);
  });
});
