// ABS: neurons that lift one class above all others when they are stimulated may be what a trigger acts on.
import { z } from 'zod';
import type { DefenseDefinition } from './defense.ts';
import { budgetField } from './tuning-fields.ts';

const parameters = z.strictObject({
  seeds: z
    .int()
    .min(3)
    .max(1000)
    .default(50)
    .describe('clean images that neurons are stimulated on, and triggers fitted to'),
  candidates: z
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .describe('neurons for which a trigger is sought: those that lift a class the most'),
  perLayer: z
    .int()
    .min(1)
    .max(1000)
    .default(3)
    .describe('of these, at most so many of each layer in the first half of the network'),
  iterations: z.int().min(1).max(100_000).default(1000).describe('steps of the search for a trigger'),
  learningRate: z.number().gt(0).default(0.1).describe('of the search (Adam)'),
  maskShare: z
    .number()
    .gt(0)
    .max(1)
    .default(0.0625)
    .describe('size of a trigger that costs nothing, as a share of the image: 64 of 32 × 32 pixels'),
  heldOut: z
    .int()
    .min(1)
    .max(10_000)
    .default(50)
    .describe('other clean images that a trigger’s success (REASR) is measured on'),
  bound: z.number().gt(0).max(1).default(0.8).describe('REASR from which on a network is taken for backdoored'),
  budget: budgetField,
});

export type AbsParameters = z.infer<typeof parameters>;

export const abs: DefenseDefinition<AbsParameters> = {
  name: 'abs',
  title: 'neurons that lift one class when stimulated, and triggers for them',
  paper: 'Liu et al.: ABS: Scanning Neural Networks for Back-doors by Artificial Brain Stimulation, CCS 2019',
  kind: 'detect-model',
  parameters,
  async run(subject, settings, watch) {
    const { scanNetwork } = await import('./abs/scan.ts');
    return scanNetwork(subject, settings, watch);
  },
};
