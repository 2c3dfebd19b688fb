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
