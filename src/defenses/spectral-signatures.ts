// Spectral Signatures: in the class that was poisoned, the poisoned images lie far along the main axis of the hidden activations.
import { z } from 'zod';
import type { DefenseDefinition } from './defense.ts';

const parameters = z.strictObject({
  epsilon: z
    .union([z.literal('known'), z.number().gt(0).max(1)], { error: 'expected known, or a share above 0 and up to 1' })
    .default(0.05)
    .describe(
      'images that may be poisoned in any one class, as a share of all training images; known: as many as there are',
    ),
  multiplier: z
    .number()
    .gt(0)
    .max(10)
    .default(1.5)
    .describe('how many times as many images are taken out of each class, but never more than half of it'),
});

export type SpectralSignaturesParameters = z.infer<typeof parameters>;

export const spectralSignatures: DefenseDefinition<SpectralSignaturesParameters> = {
  name: 'spectral-signatures',
  title: 'outliers along the main axis of a class’s hidden activations',
  paper: 'Tran, Li, Madry: Spectral Signatures in Backdoor Attacks, NeurIPS 2018',
  kind: 'detect-data',
  parameters,
  async run(subject, settings, watch) {
    const { spectralFindings } = await import('./spectral-scores.ts');
    return spectralFindings(subject, settings, watch);
  },
};
