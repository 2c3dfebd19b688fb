// The longest of the full-size cases, evaluated and trained for five steps, against stored results of torchvision: the others are in `npm test`.
import { expect, it } from 'vitest';
import { titleOf } from '../parity/full-size.ts';
import { cases, expectAsStored, isLong } from '../parity/stored.ts';

const long = cases.filter(isLong);

it('has the fixtures', () => {
  expect(long.map(titleOf)).toEqual([
    'alexnet pretrained from:8',
    'alexnet pretrained from:10',
    'alexnet pretrained none',
    'vgg19_bn pretrained paper',
    'resnet152 pretrained paper',
  ]);
});

it.each(long.map((stored) => [titleOf(stored), stored] as const))('%s', async (_, stored) => {
  await expectAsStored(stored);
});
