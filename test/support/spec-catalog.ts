// The names that tests of specs use: fixed, so that they stand still while the registries grow.
import { z } from 'zod';
import { inputError } from '../../src/core/errors.ts';
import { registry } from '../../src/core/registry.ts';
import { parseFreeze } from '../../src/models/freeze.ts';
import type { Catalog } from '../../src/spec/catalog.ts';
import { badnets } from '../../src/triggers/badnets.ts';

const warp = z.strictObject({ strength: z.number().gt(0).max(4).default(0.5), grid: z.int().min(2).default(4) });

const mend = z.strictObject({
  rate: z.number().min(0).max(1).default(0.5),
  epochs: z.int().min(0).max(100).default(3),
});

const classes = Array.from({ length: 10 }, (_, i) => String(i));

export const testCatalog: Catalog = {
  datasets: registry('dataset', [
    { name: 'digits', height: 28, width: 28, channels: 1 as const, classes, fingerprint: 'digits-1' },
    {
      name: 'scenes',
      height: 32,
      width: 32,
      channels: 3 as const,
      classes: classes.slice(0, 4),
      fingerprint: 'scenes-1',
    },
  ]),
  models: registry('model', [
    { name: 'resnet-mini', inputSize: 32, weightsHash: 'a'.repeat(64) },
    { name: 'alexnet-mini', inputSize: 32, weightsHash: 'b'.repeat(64) },
    { name: 'untrained', inputSize: 64 },
  ]),
  triggers: registry('trigger', [badnets, { name: 'warp', parameters: warp, check: () => {} }]),
  defenses: registry('defence', [
    { name: 'mend', kind: 'repair' as const, parameters: mend },
    { name: 'sift', kind: 'detect-data' as const, parameters: z.strictObject({}) },
  ]),
  parseFreeze,
  checkModel(model, _init, freeze) {
    if (freeze === 'from:999') throw inputError(`freeze policy ${freeze} trains nothing in ${model}`);
  },
};
