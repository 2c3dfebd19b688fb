// Exported classifiers say what the network says, and come back through the importer with the same logits.
import { afterAll, expect, it } from 'vitest';
import { importedLogits, largestDifference, runModel } from '../../test/support/imported.ts';
import { Rng } from '../core/rng.ts';
import { float32, tensor } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import { Graph } from '../graph/graph.ts';
import { encodeModel } from '../graph/onnx/encode.ts';
import { parseFreeze } from '../models/freeze.ts';
import { importedModel } from '../models/imported.ts';
import { models } from '../models/registry.ts';
import { Runtime } from '../runtime/node.ts';
import type { RunRecord } from '../store/records.ts';
import { createNetwork, emitForward } from '../train/network.ts';
import { stateFeeds } from '../train/predict.ts';
import { classifierGraph, exportRun } from './export-run.ts';

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

const train: ImageSource = {
  ...{ count: 4, height: 28, width: 28, channels: 1 },
  labels: Uint16Array.of(0, 1, 2, 0),
  read: (rows) => Uint8Array.from({ length: rows.length * 784 }, (_, i) => (i * 31) % 256),
};
const networkOf = (name: string, freeze = 'paper') =>
  createNetwork({
    model: models.get(name),
    dataset: { classes: ['a', 'b', 'c'], train },
    ...{ inputSize: 32, init: 'random', freeze: parseFreeze(freeze), seed: 5 },
  });

it.each(['resnet-mini', 'alexnet-mini', 'vgg-mini', 'googlenet-mini'])(
  '%s: same logits in, out and back',
  async (name) => {
    const network = await networkOf(name);
    const trained = Object.fromEntries(
      Object.entries(network.start).map(([key, value]) => {
        const rng = Rng.of(9, key);
        const shift = key.endsWith('running_var') ? () => rng.uniform() : () => 0.1 * rng.normal();
        return [key, { ...value, data: Float32Array.from(value.data as Float32Array, (number) => number + shift()) }];
      }),
    );
    const graph = new Graph();
    const forward = emitForward(graph, network, 'evaluate');
    graph.output('logits', forward.logits);
    const changed = new Set([...network.trainable.parameters, ...network.buffers]);
    const kept = Object.fromEntries(Object.entries(trained).filter(([key]) => changed.has(key)));
    const pixels = tensor('uint8', [2, 28, 28, 1], train.read([0, 1]));
    const session = await runtime.open(graph);
    const { logits } = await session.run({ ...stateFeeds(network, kept), image: pixels });

    const whole = encodeModel(classifierGraph(network, kept, true));
    expect(largestDifference(await runModel(whole, pixels), logits)).toBeLessThan(1e-5);

    const bare = encodeModel(classifierGraph(network, kept, false));
    const image = float32(
      [2, 3, 32, 32],
      Array.from({ length: 6144 }, (_, i) => Math.sin(i)),
    );
    const direct = await runModel(bare, image);
    expect(largestDifference(await importedLogits(importedModel(bare), image), direct)).toBeLessThan(1e-5);
  },
);

it('writes what a later import needs to know', async () => {
  const network = await networkOf('resnet-mini');
  const { mean, std } = network.preprocessing;
  const metadata = {
    'triggerlab.preprocessing': JSON.stringify({ inside: false, inputSize: 32, mean, std }),
    'triggerlab.classes': '["a","b","c"]',
  };
  const model = importedModel(encodeModel(classifierGraph(network, {}, false), { metadata }));
  expect(model).toMatchObject({ normalization: { mean, std }, inputSize: 32, classNames: ['a', 'b', 'c'], classes: 3 });
  expect(model.architecture.head).toBe('fc');
  expect(Object.keys(model.tensors()).sort()).toEqual(Object.keys(network.start).sort());
});

it('a file with preprocessing inside is refused by name', async () => {
  const network = await networkOf('alexnet-mini');
  expect(() => importedModel(encodeModel(classifierGraph(network, {}, true)))).toThrow(
    expect.objectContaining({ kind: 'input', hint: expect.stringContaining('--with-preprocessing') }),
  );
});

it('a run that is not done has no classifier', async () => {
  const run = { runId: 'abc', status: 'failed', spec: {} } as RunRecord;
  await expect(exportRun(runtime, run, { withPreprocessing: false, trained: undefined })).rejects.toThrow(
    'run abc is failed',
  );
});
