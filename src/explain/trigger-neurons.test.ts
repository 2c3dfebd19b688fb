import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySource } from '../data/dataset.ts';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { Runtime } from '../runtime/node.ts';
import { createNetwork } from '../train/network.ts';
import { predict } from '../train/predict.ts';
import { channelMeans, layerIn, layerMaps, openPrunable, type Trained } from './layer-graphs.ts';
import { pruneInOrder, rankedChannels, triggerNeurons } from './trigger-neurons.ts';

describe('rankedChannels', () => {
  it('orders by the difference in deviations of the clean images', () => {
    // Two images, three channels: one rises by 1 with a deviation of 1, one by 1 with 0.5, one falls.
    const before = Float32Array.of(0, 0, 5, 2, 1, 5);
    const after = Float32Array.of(1, 1, 4, 3, 2, 4);
    const neurons = rankedChannels(before, after, 2);
    expect(neurons.map(({ channel }) => channel)).toEqual([1, 0, 2]);
    expect(neurons[0]).toEqual({ channel: 1, clean: 0.5, triggered: 1.5, effect: 2 });
    expect(neurons[1].effect).toBe(1);
    expect(neurons[2].effect).toBeLessThan(-1e6);
  });

  it('gives 0 to what never changes, the first of equals first', () => {
    expect(rankedChannels(Float32Array.of(1, 1), Float32Array.of(1, 1), 1)).toEqual([
      { channel: 0, clean: 1, triggered: 1, effect: 0 },
      { channel: 1, clean: 1, triggered: 1, effect: 0 },
    ]);
  });
});

describe('silenced channels', () => {
  const SHAPE = { height: 32, width: 32, channels: 3 } as const;
  const count = 6;
  const pixels = (shift: number) =>
    Uint8Array.from({ length: count * 3072 }, (_, i) => (i * 31 + (i >> 5) * 7 + shift * (i % 96 < 12 ? 1 : 0)) % 256);
  const labels = Uint16Array.from({ length: count }, (_, i) => i % 3);
  const [clean, triggered] = [memorySource(SHAPE, pixels(0), labels), memorySource(SHAPE, pixels(97), labels)];
  const rows = [0, 1, 2, 3, 4, 5];
  let trained: Trained;
  beforeAll(async () => {
    const network = await createNetwork({
      model: models.get('resnet-mini'),
      dataset: { classes: ['a', 'b', 'c'], train: clean },
      ...{ inputSize: 32, init: 'pretrained', freeze: parseFreeze('head'), seed: 3 },
    });
    trained = { runtime: new Runtime({ threads: 1 }), network, state: network.start };
  });
  afterAll(() => trained.runtime.close());

  it('none silenced: the network’s own answers; all silenced: one answer to everything', async () => {
    const { channels, predict: predictPruned } = openPrunable(trained, 'last');
    const own = await predict(trained.runtime, trained.network, trained.state, clean);
    expect(await predictPruned(new Float32Array(channels).fill(1), clean, rows)).toEqual(own);
    const silent = await predictPruned(new Float32Array(channels), clean, rows);
    expect(new Set(silent).size).toBe(1);
  });

  it('channel means are the means of the maps', async () => {
    const { channels, height, width } = layerIn(trained.network, 'layer2');
    expect([channels, height, width]).toEqual([32, 8, 8]);
    const means = await channelMeans(trained, 'layer2', clean, [4]);
    const [maps] = await layerMaps(trained, 'layer2', clean, [4]);
    const mean = (c: number) => maps.subarray(c * 64, (c + 1) * 64).reduce((sum, value) => sum + value, 0) / 64;
    for (let c = 0; c < channels; c++) expect(means[c]).toBeCloseTo(mean(c), 4);
  });

  it('counts what is left', async () => {
    const neurons = await triggerNeurons(trained, 'last', clean, triggered, rows);
    expect(neurons).toHaveLength(128);
    const order = neurons.map(({ channel }) => channel);
    const own = await predict(trained.runtime, trained.network, trained.state, clean);
    const figures = await pruneInOrder({
      ...{ trained, layer: 'last', order, counts: [0, 128], clean, triggered, rows, attackedRows: rows },
      targetOf: () => 1,
    });
    expect(figures.map(({ pruned }) => pruned)).toEqual([0, 128]);
    expect(figures[0].cleanAccuracy).toBeCloseTo(rows.filter((row) => own[row] === labels[row]).length / 6, 12);
    expect([0, 1]).toContain(figures[1].asr);
  });
});
