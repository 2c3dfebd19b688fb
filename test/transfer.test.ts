// A model and images given by path, through the real command line: a small ONNX file and a small folder made here.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Rng } from '../src/core/rng.ts';
import { float32 } from '../src/core/tensor.ts';
import { conv, encodeModel, flatten, Graph, gemm, globalAveragePool, relu } from '../src/graph/index.ts';
import { cli } from './support/cli.ts';
import { freshCache } from './support/fresh-cache.ts';
import { zipOf } from './support/zip-file.ts';

const SPEC = `
name: tiny
dataset: ./colours.zip?train=60&test=24
model: ./net.onnx
freeze: head
inputSize: 32
training: {learningRate: 0.05, epochs: 3, batchSize: 16}
attack: {type: badnets, size: 0.25, position: bottom-right, color: black, poisonRate: 0.2}
`;

/** conv 3 × 3 → ReLU → mean → a head of 1000 classes, with fixed weights. */
function network(): Uint8Array {
  const graph = new Graph('net');
  const rng = Rng.of(0, 'net');
  const weights = (name: string, shape: number[]) =>
    graph.constant(
      float32(
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * rng.normal()),
      ),
      name,
    );
  const image = graph.input('image', 'float32', ['N', 3, 32, 32]);
  const map = relu(
    conv(image, weights('conv.weight', [12, 3, 3, 3]), weights('conv.bias', [12]), { pads: [1, 1, 1, 1] }),
  );
  const features = flatten(globalAveragePool(map));
  graph.output(
    'logits',
    gemm(features, weights('fc.weight', [1000, 12]), weights('fc.bias', [1000]), { transB: true }),
  );
  return encodeModel(graph);
}

/** Noisy images of 16 × 16 pixels whose class is their main colour. */
function images(): Record<string, Buffer> {
  const rng = Rng.of(0, 'colours');
  const content: Record<string, Buffer> = {};
  for (const [c, name] of ['red', 'green', 'blue'].entries()) {
    for (let i = 0; i < 40; i++) {
      const pixels = Buffer.from(Array.from({ length: 768 }, (_, at) => rng.int(0, 99) + (at % 3 === c ? 150 : 0)));
      content[`${i < 30 ? 'train' : 'test'}/${name}/${i}.ppm`] = Buffer.concat([Buffer.from('P6 16 16 255 '), pixels]);
    }
  }
  return content;
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-transfer-'));
  vi.stubEnv('TRIGGERLAB_CACHE', freshCache(join(folder, 'cache')));
  writeFileSync(join(folder, 'tiny.yaml'), SPEC);
  writeFileSync(join(folder, 'net.onnx'), network());
  writeFileSync(join(folder, 'colours.zip'), zipOf(images(), 'deflated'));
  for (const [path, bytes] of Object.entries(images())) {
    mkdirSync(join(folder, 'colours', dirname(path)), { recursive: true });
    writeFileSync(join(folder, 'colours', path), bytes);
  }
  mkdirSync(join(folder, 'models'));
  copyFileSync(join(folder, 'net.onnx'), join(folder, 'models', 'same.onnx'));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

interface Flat {
  readonly runId: string;
  readonly dataset: string;
  readonly model: string;
  readonly status: string;
  readonly cleanAccuracy: number;
}
const runsOf = (stdout: string) => (JSON.parse(stdout) as { runs: Flat[] }).runs;

describe('a transfer from files', { timeout: 300_000 }, () => {
  it('runs, shows short names, and learns', async () => {
    const { code, stdout, stderr } = await cli(folder, 'run', 'tiny.yaml', '--report', 'page', '--json');
    expect(code, stderr).toBe(0);
    const runs = runsOf(stdout);
    expect(runs).toHaveLength(2);
    for (const run of runs) {
      expect(run).toMatchObject({ status: 'done', dataset: 'colours.zip?test=24&train=60', model: 'net.onnx' });
      expect(run.cleanAccuracy).toBeGreaterThan(0.6);
    }
    const plain = await cli(folder, 'results', 'tiny');
    expect(plain.stdout).toContain('dataset colours.zip?test=24&train=60, model net.onnx');
    const some = await cli(
      folder,
      'results',
      '--where',
      'model=net.onnx,dataset=colours.zip?test=24&train=60',
      '--json',
    );
    expect(runsOf(some.stdout)).toHaveLength(2);
    expect(runsOf((await cli(folder, 'results', '--where', 'model=resnet-mini', '--json')).stdout)).toHaveLength(0);
  });

  it('finds the same runs done under other paths', async () => {
    const paths = ['--set', 'model=models/same.onnx', '--set', 'dataset=./colours?train=60&test=24'];
    const planned = runsOf((await cli(folder, 'plan', 'tiny.yaml', '--json')).stdout);
    const elsewhere = runsOf((await cli(folder, 'plan', 'tiny.yaml', ...paths, '--json')).stdout);
    expect(elsewhere.map(({ runId }) => runId)).toEqual(planned.map(({ runId }) => runId));
    expect(elsewhere[0]).toMatchObject({ dataset: 'colours/?test=24&train=60', model: 'same.onnx' });
    expect((await cli(folder, 'run', 'tiny.yaml', ...paths)).stderr).toContain('2 of 2 runs are done already');
  });

  it('goes on with what is left when the files were moved', async () => {
    cpSync(join(folder, 'colours.zip'), join(folder, 'first.zip'));
    const from = (name: string) => [
      'run',
      'tiny.yaml',
      '--store',
      'moved',
      '--set',
      `dataset=${name}?train=60&test=24`,
    ];
    expect((await cli(folder, ...from('first.zip'), '--limit', '1')).code).toBe(0);
    renameSync(join(folder, 'first.zip'), join(folder, 'second.zip'));
    const { code, stdout, stderr } = await cli(folder, ...from('second.zip'), '--json');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('1 of 2 runs are done already');
    expect(runsOf(stdout).map(({ status, dataset }) => [status, dataset])).toEqual([
      ['done', 'second.zip?test=24&train=60'],
      ['done', 'second.zip?test=24&train=60'],
    ]);
  });

  it.each([
    ['dataset=lost.zip', 'lost.zip: no such file or folder'],
    ['dataset=./tiny.yaml', 'neither a folder nor a .zip file'],
    ['dataset=colours.zip?epochs=3', 'unknown option "epochs"'],
    ['model=lost.onnx', 'lost.onnx: no such file'],
    ['model=colours.zip', 'is no ONNX file'],
    ['model=tiny.onnx', 'tiny.onnx'],
  ])('--set %s is refused', async (set, message) => {
    writeFileSync(join(folder, 'tiny.onnx'), 'no model');
    const { code, stderr } = await cli(folder, 'run', 'tiny.yaml', '--set', set, '--store', 'none');
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('unexpected');
  });
});
