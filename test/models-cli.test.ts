// `triggerlab models` from the shell: the list, the ledger of one model, and how wrong input ends.
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { cli } from './support/cli.ts';

const models = (...args: string[]) => cli(tmpdir(), 'models', ...args);

describe('models ls', () => {
  it('has family, parameters and input of every model', async () => {
    const { code, stdout } = await models('ls', '--json');
    expect(code).toBe(0);
    const { models: rows } = JSON.parse(stdout) as { models: Record<string, unknown>[] };
    expect(rows).toContainEqual(
      expect.objectContaining({ name: 'vgg19_bn', family: 'vgg', inputSize: 224, parameters: 143_678_248 }),
    );
    expect((await models()).stdout).toMatch(/^resnet152 +resnet +224 × 224 +60,192,808 /m);
  });
});

describe('models show', () => {
  it('prints layers and totals', async () => {
    const { code, stdout } = await models('show', 'resnet152', '--freeze', 'paper', '--classes', '10');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^conv1 +conv 7×7 \/2 +64 × 112 × 112 +9,408 +frozen +118,013,952$/m);
    expect(stdout).toMatch(/^layer4.0.downsample.1 +batch norm +2048 × 7 × 7 +4,096 +trained$/m);
    expect(stdout).toMatch(/^ {2}trained +171,914 +0.30 %$/m);
  });

  it('takes input size, origin and optimiser, and gives one document', async () => {
    const options = ['--freeze', 'none', '--input-size', '64', '--init', 'random', '--optimizer', 'sgd', '--json'];
    const { code, stdout } = await models('show', 'googlenet', ...options);
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as Record<string, unknown> & { layers: { name: string }[] };
    expect(document).toMatchObject({
      schemaVersion: 1,
      model: 'googlenet',
      freeze: 'none',
      inputSize: 64,
      init: 'random',
      optimizer: 'sgd',
      parameters: { frozen: 0 },
    });
    expect(document.layers.map(({ name }) => name)).toContain('aux2.fc2');
  });

  it('says what options are set, and which layers then start at random', async () => {
    const { stdout } = await models('show', 'alexnet-mini?dense=64&dropout=0');
    expect(stdout).toMatch(/^alexnet-mini\?dense=64&dropout=0: /);
    expect(stdout).toMatch(/^options: width=1 dense=64 dropout=0 dropoutAt=before$/m);
    expect(stdout).toMatch(/^start at random, .*: classifier\.1, classifier\.4$/m);
    const { stdout: plain } = await models('show', 'alexnet-mini?dense=64', '--init', 'random', '--json');
    expect(JSON.parse(plain)).toMatchObject({ options: { dense: 64, dropout: 0.2 }, startAtRandom: [] });
  });

  it.each([
    [['alexnet-mini?dens=64'], /unknown option "dens"[\s\S]*Did you mean "dense"/],
    [['alexnet', '--input-size', '32'], /cannot take images of 32 × 32 pixels/],
    [['resnet51'], /unknown model "resnet51"[\s\S]*Did you mean "resnet50"/],
    [['alexnet', '--freeze', 'from:16'], /trains nothing/],
    [['./nowhere.onnx'], /nowhere\.onnx/],
    [['alexnet', '--classes', '1'], /--classes/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await models('show', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
