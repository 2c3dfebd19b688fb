// The largest networks, evaluated and trained for five steps, against stored results of torchvision: the others are in `npm test`.
import { expect, it } from 'vitest';
import { titleOf } from '../parity/full-size.ts';
import { cases, expectAsStored } from '../parity/stored.ts';

const long = cases.filter(({ model }) => model === 'vgg19_bn' || model === 'resnet152');

it('has the fixtures', () => {
  expect(long.map(({ optimizers }) => optimizers)).toEqual([
    ['adam', 'sgd'],
    ['adam', 'sgd'],
  ]);
});

it.each(long.map((stored) => [titleOf(stored), stored] as const))('%s', async (_, stored) => {
  await expectAsStored(stored);
});
