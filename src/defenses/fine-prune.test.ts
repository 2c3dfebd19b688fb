import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyRow } from '../data/dataset.ts';
import { layerMaps } from '../explain/layer-graphs.ts';
import { accuracy } from '../metrics/accuracy.ts';
import { parseFreeze } from '../models/freeze.ts';
import { findModel } from '../models/references.ts';
import { Runtime } from '../runtime/node.ts';
import { createNetwork } from '../train/network.ts';
import { predict } from '../train/predict.ts';
import type { Classifier, DefenseSubject } from './defense.ts';
import { columnMeans, pruningOrder } from './fine-prune.ts';
import { finePruning } from './fine-pruning.ts';
import { defenderRows } from './fine-tune.ts';
import { colours, pictures, subjectTrainedOn } from './small-subject.fixture.ts';

const runtime = new Runtime({ threads: 1 });
afterAll(() => runtime.close());

/** Every fourth picture has a white corner and is called blue. */
const marked = (row: number) => row % 4 === 0;
const poisoned = pictures(60, { marked, label: (row) => (marked(row) ? 2 : row % 3) });
const answers = ({ network, trained }: Classifier) => predict(runtime, network, trained, colours.test);
const parameters = (given: object) =>
  finePruning.parameters.parse({ budget: 0.5, epochs: 2, batchSize: 10, weightDecay: 0, ...given });

describe('pruningOrder', () => {
  it('takes the least active first, or the most, the first of equals first', () => {
    expect(pruningOrder([3, 1, 2, 1], 'least')).toEqual([1, 3, 2, 0]);
    expect(pruningOrder([3, 1, 2, 1], 'most')).toEqual([0, 2, 1, 3]);
  });

  it('silences a part of what a higher rate silences', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { minLength: 1 }), (means) => {
        const order = pruningOrder(means, 'least');
        expect([...order].sort((a, b) => a - b)).toEqual(means.map((_, i) => i));
        for (let i = 1; i < order.length; i++) expect(means[order[i]]).toBeGreaterThanOrEqual(means[order[i - 1]]);
      }),
    );
  });

  it('has means of columns', () => {
    expect(columnMeans(Float32Array.of(1, 10, 2, 20, 6, 60), 2)).toEqual([3, 30]);
  });
});

describe('fine-pruning', () => {
  let subject: DefenseSubject;
  beforeAll(async () => {
    subject = await subjectTrainedOn(runtime, poisoned);
  });

  it('ranks by the mean of the last maps over the defender’s images', async () => {
    const { details, metrics, cost } = await finePruning.run(subject, parameters({ rate: 0.25, epochs: 0 }), {});
    const { means, order, layer } = details as { means: number[]; order: number[]; layer: { op: string } };
    expect(layer.op).toBe('Relu');
    expect(metrics).toMatchObject({ channels: 128, prunedChannels: 32, defenderImages: 30 });
    expect(cost).toEqual({ forwardPasses: 30, backwardPasses: 0 });
    const rows = Array.from(defenderRows(subject, 0.5));
    const { network, trained: state } = subject;
    const maps = await layerMaps({ runtime, network, state }, 'last', colours.train, rows);
    const side = maps[0].length / 128;
    const mean = (c: number) =>
      maps.reduce((sum, map) => sum + map.slice(c * side, (c + 1) * side).reduce((a, b) => a + b, 0), 0) /
      (rows.length * side);
    for (let c = 0; c < 128; c++) expect(means[c]).toBeCloseTo(mean(c), 4);
    expect(order).toEqual(pruningOrder(means, 'least'));
  });

  it('in AlexNet it is the same as taking the filters and their biases away', async () => {
    const alexnet = await subjectTrainedOn(runtime, poisoned, { model: 'alexnet-mini', epochs: 1 });
    const { repaired, details } = await finePruning.run(alexnet, parameters({ rate: 0.5, epochs: 0 }), {});
    const { order, pruned } = details as { order: number[]; pruned: number };
    const weight = alexnet.trained['features.10.weight'];
    const bias = alexnet.trained['features.10.bias'];
    const size = weight.data.length / weight.shape[0];
    const [without, unbiased] = [weight.data.slice() as Float32Array, bias.data.slice() as Float32Array];
    for (const channel of order.slice(0, pruned)) {
      without.fill(0, channel * size, (channel + 1) * size);
      unbiased[channel] = 0;
    }
    const trained = {
      ...alexnet.trained,
      'features.10.weight': { ...weight, data: without },
      'features.10.bias': { ...bias, data: unbiased },
    };
    expect(pruned).toBe(weight.shape[0] / 2);
    expect(await answers(repaired as Classifier)).toEqual(await answers({ network: alexnet.network, trained }));
  });

  it('what is silenced stays silent while the rest is trained', async () => {
    const { repaired, details } = await finePruning.run(subject, parameters({ rate: 0.5, parts: false }), {});
    const { order, pruned } = details as { order: number[]; pruned: number };
    const silent = new Set(order.slice(0, pruned));
    const [before, after] = [subject.trained, repaired?.trained ?? {}].map((state) => state['fc.weight'].data);
    // The last layer's weights of a silent channel get no gradient; of the others some do.
    const moved = [...before].flatMap((value, i) => (value === after[i] ? [] : [i % 128]));
    expect(moved.filter((channel) => silent.has(channel))).toEqual([]);
    expect(moved.length).toBeGreaterThan(0);
    expect(repaired?.network.amendment?.feeds.keep.data).toEqual(
      Float32Array.from({ length: 128 }, (_, channel) => (silent.has(channel) ? 0 : 1)),
    );
  });

  it('has its four figures, each its own; without pruning two of them are one', async () => {
    const { stages = [], repaired, cost } = await finePruning.run(subject, parameters({ rate: 0.9 }), {});
    expect(stages.map(({ name }) => name)).toEqual(['pruned', 'fineTuned']);
    expect(cost).toEqual({ forwardPasses: 30 + 2 * 60, backwardPasses: 120 });
    const [pruned, fineTuned] = stages;
    expect(pruned.trained).toBe(subject.trained);
    expect(fineTuned.network.amendment).toBeUndefined();
    expect(repaired?.network.amendment).toBeDefined();
    const none = await finePruning.run(subject, parameters({ rate: 0 }), {});
    expect(none.stages?.[1].trained).toEqual(none.repaired?.trained);
    expect(none.repaired?.trained).toEqual(fineTuned.trained);
    expect(none.cost).toEqual({ forwardPasses: 30 + 60, backwardPasses: 60 });
    const bare = await finePruning.run(subject, parameters({ rate: 0.9, epochs: 0 }), {});
    expect(bare.repaired?.trained).toBe(subject.trained);
    expect(await answers(bare.repaired as Classifier)).toEqual(await answers(pruned));
  });

  it('puts right what a network was misled to, with a third of its channels silent', async () => {
    const misled = await subjectTrainedOn(runtime, pictures(60, { turned: () => true }));
    const right = async (classifier: Classifier) => accuracy(await answers(classifier), colours.test.labels);
    expect(await right(misled)).toBeLessThan(0.1);
    const given = parameters({ rate: 0.3, epochs: 6, learningRate: 0.02, parts: false });
    const { repaired } = await finePruning.run(misled, given, {});
    expect(await right(repaired as Classifier)).toBeGreaterThan(0.9);
  });

  it('says which layers there are', async () => {
    await expect(finePruning.run(subject, parameters({ layer: 'layer9' }), {})).rejects.toThrow(/no layer "layer9"/);
  });
});

describe('an imported classifier', () => {
  it.each(['mixed-13', 'convolutional-head'])('%s is pruned at its last maps like one of ours', async (file) => {
    const model = findModel(`test/fixtures/onnx/${file}.onnx`);
    const network = await createNetwork({
      ...{
        model,
        dataset: colours,
        inputSize: model.inputSize,
        init: 'pretrained',
        freeze: parseFreeze('head'),
        seed: 1,
      },
    });
    const cleanRows = everyRow(colours.train);
    const subject = { runtime, network, trained: network.start, dataset: colours, cleanRows, seed: 1 };
    const { metrics, repaired, stages } = await finePruning.run(subject, parameters({ rate: 0.5, epochs: 1 }), {});
    expect(Number(metrics.prunedChannels)).toBe(Math.round(Number(metrics.channels) / 2));
    expect(stages?.map(({ name }) => name)).toEqual(['pruned', 'fineTuned']);
    expect(await answers(repaired as Classifier)).toHaveLength(30);
  });
});
