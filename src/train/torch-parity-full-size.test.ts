// torchvision's networks at full size, evaluated and trained as PyTorch does it, against stored results.
import { describe, expect, it } from 'vitest';
import { settings, titleOf } from '../../test/parity/full-size.ts';
import { cases, expectAsStored } from '../../test/parity/stored.ts';

/** Their five steps take a minute: test/slow/torch-parity.test.ts has them. Here, logits, loss and gradients. */
const LONG = ['vgg19_bn', 'resnet152'];

describe('full size, against torchvision', () => {
  it('has a fixture for every case', () => {
    expect(cases.map(titleOf)).toEqual(settings.cases.map(titleOf));
    for (const [i, { firstStep }] of settings.cases.entries()) expect(cases[i].firstStep).toBe(firstStep);
  });

  it.each(cases.map((stored) => [titleOf(stored), stored] as const))(
    '%s',
    async (_, stored) => {
      await expectAsStored(stored, LONG.includes(stored.model) ? [] : stored.optimizers);
    },
    300_000,
  );
});
