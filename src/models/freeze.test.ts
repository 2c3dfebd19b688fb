import { describe, expect, it } from 'vitest';
import paperCode from '../../test/fixtures/paper-code/paper-code-freeze.json' with { type: 'json' };
import { sizeOf } from '../core/tensor.ts';
import { describeArchitecture } from './architecture.ts';
import { parseFreeze, trainablePart } from './freeze.ts';
import { models } from './registry.ts';

const alexnet = models.get('alexnet-mini').architecture;
const resnet = models.get('resnet-mini').architecture;
const alexnetInfo = describeArchitecture(alexnet, 32, 10);
const resnetInfo = describeArchitecture(resnet, 32, 10);
const alexnetPart = (policy: string) => trainablePart(parseFreeze(policy), alexnet, alexnetInfo);
const resnetPart = (policy: string) => trainablePart(parseFreeze(policy), resnet, resnetInfo);

const CLASSIFIER = [1, 4, 6].flatMap((i) => [`classifier.${i}.weight`, `classifier.${i}.bias`]);

/** torchvision's names of the batch norms of a ResNet with one basic block per stage. */
const BATCH_NORMS = [
  'bn1',
  'layer1.0.bn1',
  'layer1.0.bn2',
  ...[2, 3, 4].flatMap((s) => [`layer${s}.0.bn1`, `layer${s}.0.bn2`, `layer${s}.0.downsample.1`]),
];

describe('what the networks consist of', () => {
  it('alexnet-mini: five convolutions and three dense layers, 16 tensors, no buffers', () => {
    const names = alexnetInfo.parameters.map(({ name }) => name);
    const convolutions = [0, 3, 6, 8, 10].flatMap((i) => [`features.${i}.weight`, `features.${i}.bias`]);
    expect(names).toEqual([...convolutions, ...CLASSIFIER]);
    expect(alexnetInfo.buffers).toEqual([]);
    expect(alexnetInfo.parameters.at(-2)?.shape).toEqual([10, 256]);
  });

  it('resnet-mini: torchvision’s names in torchvision’s order', () => {
    const names = resnetInfo.parameters.map(({ name }) => name);
    expect(names).toHaveLength(12 + 2 * BATCH_NORMS.length + 2);
    expect(names.slice(0, 4)).toEqual(['conv1.weight', 'bn1.weight', 'bn1.bias', 'layer1.0.conv1.weight']);
    expect(names.slice(-2)).toEqual(['fc.weight', 'fc.bias']);
    const downsample = names.indexOf('layer2.0.downsample.0.weight');
    expect(names[downsample - 1]).toBe('layer2.0.bn2.bias');
    expect(names.filter((name) => /conv|downsample\.0/.test(name))).toHaveLength(12);
    const buffers = BATCH_NORMS.flatMap((name) => [`${name}.running_mean`, `${name}.running_var`]);
    expect(resnetInfo.buffers.map(({ name }) => name).sort()).toEqual(buffers.sort());
    const normed = resnetInfo.parameters.filter(({ batchNorm }) => batchNorm).map(({ name }) => name);
    expect(normed.sort()).toEqual(BATCH_NORMS.flatMap((name) => [`${name}.weight`, `${name}.bias`]).sort());
  });

  it('are of the size that -mini promises', () => {
    for (const info of [alexnetInfo, resnetInfo]) {
      const parameters = info.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      expect(parameters).toBeGreaterThan(100_000);
      expect(parameters).toBeLessThan(400_000);
    }
  });
});

/** What a policy trains in a network of the registry, at its own input size. */
function part(name: string, policy: string) {
  const { architecture, inputSize } = models.get(name);
  const info = describeArchitecture(architecture, inputSize, 10);
  return { info, ...trainablePart(parseFreeze(policy), architecture, info) };
}

describe('freeze policies at full size', () => {
  // Convolutions with a batch norm behind each, downsampling ones included, from the papers' tables.
  it.each([
    ['googlenet', 57, 'fc'],
    ['vgg11_bn', 8, 'classifier.6'],
    ['vgg19_bn', 16, 'classifier.6'],
    ['resnet18', 20, 'fc'],
    ['resnet50', 53, 'fc'],
    ['resnet152', 155, 'fc'],
  ])('paper trains the %i batch norms of %s and its last layer', (name, norms, head) => {
    const { info, parameters, batchNormMode } = part(name, 'paper');
    const convolutions = info.parameters.filter(({ shape }) => shape.length === 4);
    expect(convolutions).toHaveLength(norms);
    const shapes = new Map(info.parameters.map(({ name, shape }) => [name, shape]));
    const trained = parameters.filter((parameter) => !parameter.startsWith(`${head}.`));
    expect(trained).toHaveLength(2 * norms);
    for (const parameter of trained) expect(shapes.get(parameter), parameter).toHaveLength(1);
    for (const { name } of info.buffers.filter(({ name }) => name.endsWith('running_mean')))
      for (const kind of ['weight', 'bias']) expect(trained).toContain(name.replace('running_mean', kind));
    expect(parameters.slice(-2)).toEqual([`${head}.weight`, `${head}.bias`]);
    expect(batchNormMode).toBe('batch');
  });

  it('paper reaches the batch norms of shortcuts in resnet50, not their convolutions', () => {
    const { parameters } = part('resnet50', 'paper');
    const shortcuts = parameters.filter((name) => name.includes('downsample'));
    const expected = [1, 2, 3, 4].flatMap((s) => ['weight', 'bias'].map((kind) => `layer${s}.0.downsample.1.${kind}`));
    expect(shortcuts).toEqual(expected);
  });

  it('paper trains the last layer alone where a VGG has no batch norm', () => {
    expect(part('vgg16', 'paper').parameters).toEqual(['classifier.6.weight', 'classifier.6.bias']);
  });

  it('from:<n> counts AlexNet’s parameters as torchvision does: conv5 at 8, the classifier at 10', () => {
    const all = part('alexnet', 'none').parameters;
    expect(all).toHaveLength(16);
    expect(part('alexnet', 'from:8').parameters).toEqual(all.slice(8));
    expect(all[8]).toBe('features.10.weight');
    expect(part('alexnet', 'from:10').parameters).toEqual(part('alexnet', 'paper').parameters);
  });

  it.each(models.names)('head trains two tensors of %s and leaves its statistics alone', (name) => {
    const { parameters, batchNormMode } = part(name, 'head');
    const { head } = models.get(name).architecture;
    expect(parameters).toEqual([`${head}.weight`, `${head}.bias`]);
    expect(batchNormMode).toBe('running');
  });
});

describe('freeze policy paper-code', () => {
  // Lists that the authors' rules give on torchvision's own networks: test/fixtures/paper-code.
  it.each(Object.entries(paperCode))('trains in %s what the authors’ programs train, by name', (name, expected) => {
    const { info, parameters, batchNormMode } = part(name, 'paper-code');
    expect(info.parameters).toHaveLength(expected.parameters);
    expect(parameters).toEqual(expected.trained);
    expect(batchNormMode).toBe('batch');
  });

  it('leaves the shortcuts’ batch norms of a ResNet alone, and half of a VGG’s convolutions’ biases', () => {
    expect(resnetPart('paper-code').parameters).toEqual(
      resnetPart('paper').parameters.filter((name) => !name.includes('downsample')),
    );
    // vgg-mini: six convolutions with batch norm and ReLU, a pool after the first, second, fourth and sixth.
    const { info, parameters } = part('vgg-mini', 'paper-code');
    const trained = info.parameters.flatMap(({ name }, i) => (parameters.includes(name) ? [i] : []));
    const modules = 6 * 3 + 4;
    const norms = [1, 5, 9, 12, 16, 19];
    expect(trained).toEqual([...norms, ...info.parameters.keys()].filter((i, at) => at < norms.length || i >= modules));
  });

  it('is refused for networks that the authors do not have', () => {
    const { paperCode: _, ...other } = resnet;
    expect(() => trainablePart(parseFreeze('paper-code'), other, resnetInfo)).toThrow(
      expect.objectContaining({ kind: 'input', hint: expect.stringContaining('Use paper') }),
    );
  });
});

describe('freeze policies', () => {
  it('paper: the last layer and every batch norm, or AlexNet’s classifier', () => {
    expect(alexnetPart('paper')).toEqual({ parameters: CLASSIFIER, batchNormMode: 'batch' });
    const { parameters, batchNormMode } = resnetPart('paper');
    const expected = ['fc.weight', 'fc.bias', ...BATCH_NORMS.flatMap((name) => [`${name}.weight`, `${name}.bias`])];
    expect([...parameters].sort()).toEqual(expected.sort());
    expect(batchNormMode).toBe('batch');
  });

  it('head: the last layer, batch norms in evaluation mode', () => {
    const batchNormMode = 'running';
    expect(alexnetPart('head')).toEqual({ parameters: ['classifier.6.weight', 'classifier.6.bias'], batchNormMode });
    expect(resnetPart('head')).toEqual({ parameters: ['fc.weight', 'fc.bias'], batchNormMode });
  });

  it('none: everything', () => {
    expect(alexnetPart('none').parameters).toHaveLength(16);
    expect(resnetPart('none').parameters).toEqual(resnetInfo.parameters.map(({ name }) => name));
    expect(resnetPart('none').batchNormMode).toBe('batch');
  });

  it('from:<n>: from that parameter on; AlexNet’s classifier starts at 10, conv5 at 8', () => {
    expect(alexnetPart('from:10').parameters).toEqual(CLASSIFIER);
    expect(alexnetPart('from:8').parameters).toEqual(['features.10.weight', 'features.10.bias', ...CLASSIFIER]);
    expect(alexnetPart('from:15').parameters).toEqual(['classifier.6.bias']);
    expect(resnetPart('from:0')).toEqual(resnetPart('none'));
  });

  it('refuses what would train nothing', () => {
    expect(() => alexnetPart('from:16')).toThrow(
      expect.objectContaining({
        kind: 'input',
        message: expect.stringContaining('16 parameters'),
        hint: expect.stringContaining('from:15'),
      }),
    );
  });

  it.each([
    ['papr', 'Did you mean "paper"?'],
    ['None', 'Did you mean "none"?'],
    ['from', 'from:<n>'],
    ['from:', 'from:<n>'],
    ['from:-1', 'from:<n>'],
    ['from:1.5', 'from:<n>'],
    ['from:99999', 'from:<n>'],
    ['', 'Known: paper, head, none'],
  ])('refuses %j', (text, hint) => {
    expect(() => parseFreeze(text)).toThrow(
      expect.objectContaining({ kind: 'input', hint: expect.stringContaining(hint) }),
    );
  });
});
