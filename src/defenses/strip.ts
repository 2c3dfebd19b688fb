// STRIP: a trigger keeps deciding the answer when other images are laid over it, so that answers vary less than they should.
import { z } from 'zod';
import type { DefenseDefinition } from './defense.ts';
import { budgetField } from './tuning-fields.ts';

const parameters = z.strictObject({
  overlays: z.int().min(2).max(1000).default(100).describe('clean images that are laid over each examined one'),
  blend: z
    .enum(['sum', 'mean'])
    .default('sum')
    .describe('sum: pixels added and cut off at white, as the authors’ program; mean: half of each'),
  falseRejection: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.01)
    .describe('share of clean images that may be rejected: it decides the threshold'),
  threshold: z
    .enum(['normal', 'empirical'])
    .default('normal')
    .describe(
      'normal: that quantile of a normal distribution fitted to the entropies of clean images, as published; empirical: of these',
    ),
  examined: z
    .int()
    .min(2)
    .max(1_000_000)
    .default(400)
    .describe('training images examined, half of them poisoned where there are so many, drawn by the seed'),
  calibration: z.int().min(10).max(100_000).default(200).describe('clean images that the threshold comes from'),
  budget: budgetField,
});

export type StripParameters = z.infer<typeof parameters>;

export const strip: DefenseDefinition<StripParameters> = {
  name: 'strip',
  title: 'answers that do not change when images are superimposed',
  paper: 'Gao et al.: STRIP: A Defence Against Trojan Attacks on Deep Neural Networks, ACSAC 2019',
  kind: 'detect-data',
  parameters,
  async run(subject, settings, watch) {
    const { stripFindings } = await import('./strip-entropy.ts');
    return stripFindings(subject, settings, watch);
  },
};
