// torchvision's networks at full size, evaluated and trained as PyTorch does it, against stored results.
import { describe, expect, it } from 'vitest';
import { settings, titleOf } from '../../test/parity/full-size.ts';
import { cases, expectAsStored, isLong } from '../../test/parity/stored.ts';

/** The others are in test/slow/torch-parity.test.ts. */
const quick = cases.filter((stored) => !isLong(stored));

describe('full size, against torchvision', () => {
  it('has a fixture for every case', () => {
    expect(cases.map(titleOf)).toEqual(settings.cases.map(titleOf));
    for (const [i, { firstStep }] of settings.cases.entries()) expect(cases[i].firstStep).toBe(firstStep);
  });

  it.each(quick.map((stored) => [titleOf(stored), stored] as const))(
    '%s',
    async (_, stored) => {
      await expectAsStored(stored);
    },
    300_000,
  );
});
