import { expect, test } from 'vitest';
import { parseFreeze } from '../models/freeze.ts';
import { models } from '../models/registry.ts';
import { emptyNetwork } from './empty-network.ts';
import { frozenPart } from './frozen-part.ts';
import { ledger } from './ledger.ts';
import { multiplyAdds } from './multiply-adds.ts';
import { networkWork } from './network-work.ts';
import { optimizer } from './optimizers.ts';
import { trainStep } from './train-step.ts';

const shapes = ['alexnet-mini', 'googlenet-mini', 'resnet-mini', 'vgg-mini'].flatMap((model) =>
  ['head', 'paper', 'none', 'from:4'].map((freeze) => [model, freeze] as const),
);

test.each(shapes)('%s under %s: as much as its own graphs say', async (name, policy) => {
  const model = models.get(name);
  const options = { model, freeze: parseFreeze(policy), classes: 10, inputSize: 32, init: 'pretrained' } as const;
  const work = await networkWork(options);
  const network = await emptyNetwork(options);
  const part = frozenPart(network, 'train');
  expect(work.frozen?.width).toBe(part?.width);
  const method = optimizer({ optimizer: 'adam', learningRate: 0, momentum: 0, weightDecay: 0 });
  const step = multiplyAdds(trainStep(network, method, part).graph, 1);
  // Not to the last one: gradients are sometimes taken by another way.
  expect(work.step / step).toBeGreaterThan(0.8);
  expect(work.step / step).toBeLessThan(1.25);
  const whole = await ledger({ ...options, optimizer: 'adam' });
  expect(2 * (work.evaluation + (work.frozen?.multiplyAdds ?? 0))).toBe(whole.flops.forward);
  expect(4 * work.changed).toBe(whole.checkpointBytes);
});

test.each([
  ['alexnet', 'paper', 'pretrained', [655566528, 9216, 125952000, 54566912, 54575114, 7505960]],
  ['googlenet', 'paper', 'random', [undefined, undefined, 2891507200, 1504755456, 40394, 78665656]],
  ['resnet152', 'paper', 'pretrained', [undefined, undefined, 22905204736, 11511599104, 323338, 502081064]],
  ['resnet-mini', 'from:4', 'pretrained', [undefined, undefined, 10731264, 4044032, 307498, 545448]],
] as const)('%s under %s, %s: as counted from a whole training pass, running statistics included', async (...row) => {
  const [name, policy, init, figures] = row;
  const model = models.get(name);
  const { frozen, step, evaluation, changed, activationBytes } = await networkWork({
    ...{ model, freeze: parseFreeze(policy), classes: 10, inputSize: model.inputSize, init },
  });
  expect([frozen?.multiplyAdds, frozen?.width, step, evaluation, changed, activationBytes]).toEqual(figures);
});
