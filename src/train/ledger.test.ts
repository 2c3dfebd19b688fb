// The ledger against torchvision's published counts, and against what can be counted by hand.
import { describe, expect, it } from 'vitest';
import { sizeOf, tensor } from '../core/tensor.ts';
import { Graph } from '../graph/graph.ts';
import { conv } from '../graph/ops/conv.ts';
import { relu } from '../graph/ops/relu.ts';
import { reshape } from '../graph/ops/reshape.ts';
import { describeArchitecture } from '../models/architecture.ts';
import { parseFreeze, trainablePart } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { encodeSafetensors } from '../models/weights/safetensors.ts';
import { keptForBackward, peakPerImage } from './activation-memory.ts';
import { type LedgerOptions, ledger } from './ledger.ts';

const of = (name: string, options: Partial<LedgerOptions> = {}) => {
  const model = models.get(name);
  const freeze = parseFreeze('paper');
  const { inputSize } = model;
  return ledger({ model, freeze, classes: 10, inputSize, init: 'pretrained', optimizer: 'adam', ...options });
};

describe('totals', () => {
  // Parameters and multiply-adds as torchvision publishes them with its weights (`num_params`, `_ops`).
  it.each([
    ['alexnet', 61_100_840, 0.714],
    ['googlenet', 6_624_904, 1.498],
    ['vgg11', 132_863_336, 7.609],
    ['vgg16', 138_357_544, 15.47],
    ['vgg19_bn', 143_678_248, 19.632],
    ['resnet18', 11_689_512, 1.814],
    ['resnet50', 25_557_032, 4.089],
    ['resnet152', 60_192_808, 11.514],
  ])('%s has %i parameters and %f billion multiply-adds', async (name, parameters, billions) => {
    const { parameters: counted, flops, layers } = await of(name, { classes: 1000 });
    expect(counted.total).toBe(parameters);
    expect(counted.trained + counted.frozen).toBe(parameters);
    expect(flops.forward / 2e9).toBeCloseTo(billions, 3);
    expect(layers.reduce((sum, { size }) => sum + size, 0)).toBe(parameters);
    expect(layers.reduce((sum, { trained }) => sum + trained, 0)).toBe(counted.trained);
    expect(layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0)).toBe(flops.forward / 2);
  });

  it('counts what the policies train', async () => {
    const alexnet = await of('alexnet');
    expect(alexnet.parameters.trained).toBe(4097 * 4096 + 9217 * 4096 + 4097 * 10);
    expect(alexnet.statistics).toBe(0);
    expect(alexnet.optimizerBytes).toBe(8 * alexnet.parameters.trained);
    expect((await of('alexnet', { optimizer: 'sgd' })).optimizerBytes).toBe(4 * alexnet.parameters.trained);
    const head = await of('resnet18', { freeze: parseFreeze('head') });
    expect(head).toMatchObject({ parameters: { trained: 513 * 10 }, statistics: 0, checkpointBytes: 4 * 5130 });
    const paper = await of('resnet18');
    expect(paper.parameters.trained).toBe(5130 + paper.statistics);
    expect(paper.layers.find(({ name }) => name === 'bn1')).toMatchObject({ size: 128, trained: 128 });
    expect(paper.layers[0]).toEqual({
      name: 'conv1',
      kind: 'conv 7×7 /2',
      output: [64, 112, 112],
      parameters: ['conv1.weight'],
      size: 9408,
      multiplyAdds: 9408 * 112 * 112,
      trained: 0,
    });
  });

  it('counts the products that the update of a large parameter contains', async () => {
    const { flops, activationBytes } = await of('alexnet');
    const [first, second, third] = [9216 * 4096, 4096 * 4096, 4096 * 10];
    const backward = first + second + third + (second + third);
    expect(flops.step - flops.forward).toBe(2 * backward);
    // Inputs of the three dense layers, masks of two, and what the loss and two ReLUs need.
    expect(activationBytes.kept).toBeGreaterThan(4 * (9216 + 2 * 4096) + 9216 + 4096);
    expect(activationBytes.kept).toBeLessThan(3 * 4 * (9216 + 2 * 4096));
  });

  it('keeps nothing below the first trained layer, and more the more is trained', async () => {
    const kept = async (freeze: string) => (await of('resnet18', { freeze: parseFreeze(freeze) })).activationBytes.kept;
    // The head alone reads its 512 inputs; the rest belongs to the loss.
    expect(await kept('head')).toBeGreaterThanOrEqual(4 * 512);
    expect(await kept('head')).toBeLessThan(4 * 1024);
    expect(await kept('paper')).toBeGreaterThan(100 * (await kept('head')));
    expect(await kept('none')).toBeGreaterThan(await kept('paper'));
    const head = await of('resnet18', { freeze: parseFreeze('head') });
    expect(head.flops.step).toBeLessThan(1.01 * head.flops.forward);
    expect((await of('resnet18', { freeze: parseFreeze('none') })).flops.step).toBeGreaterThan(
      2.9 * head.flops.forward,
    );
  });

  it('training from scratch has the auxiliary heads too, evaluation does not use them', async () => {
    const scratch = await of('googlenet', { classes: 1000, init: 'random', freeze: parseFreeze('none') });
    // torchvision.models.googlenet(init_weights=False) with its auxiliary heads.
    expect(scratch.parameters.total).toBe(13_004_888);
    expect(scratch.flops.forward).toBe((await of('googlenet', { classes: 1000 })).flops.forward);
  });
});

describe('activation memory', () => {
  it('counts each value once, views not at all, and what grows with the batch only', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N', 2, 8, 8]);
    const w = graph.input('w', 'float32', [4, 2, 3, 3]);
    const a = conv(x, w, undefined, { pads: 1 });
    const b = relu(a);
    const forward = new Set(graph.nodes);
    const flat = reshape(b, [-1, 256]);
    forward.add(graph.nodes[graph.nodes.length - 1]);
    graph.output('y', relu(reshape(flat, [-1, 4, 8, 8])));
    expect(keptForBackward(graph, forward)).toBe(4 * 256);
    // While the convolution runs its input and output are alive, then two values of 256 numbers.
    expect(peakPerImage(graph)).toBe(4 * 512);
  });
});

it('a checkpoint of resnet152 under paper is a few MB', () => {
  const { architecture, inputSize } = models.get('resnet152');
  const info = describeArchitecture(architecture, inputSize, 10);
  const trained = new Set(trainablePart(parseFreeze('paper'), architecture, info).parameters);
  const kept = [...info.parameters.filter(({ name }) => trained.has(name)), ...info.buffers];
  const entry = ({ name, shape }: { name: string; shape: readonly number[] }) =>
    [name, tensor('float32', shape, new Float32Array(sizeOf(shape)))] as const;
  const bytes = encodeSafetensors(Object.fromEntries(kept.map(entry))).length;
  expect(bytes).toBeGreaterThan(1e6);
  expect(bytes).toBeLessThan(2e6);
});
