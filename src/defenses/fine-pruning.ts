// Fine-Pruning: the channels that clean images leave idle are silenced, then the rest is trained on clean images.
import { z } from 'zod';
import type { DefenseDefinition } from './defense.ts';
import { effectiveTuning, tuningFields } from './tuning-fields.ts';

const parameters = z
  .strictObject({
    rate: z
      .number()
      .min(0)
      .lt(1)
      .default(0.3)
      .describe('share of the channels that are silenced, 0 up to below 1; 0: fine-tuning alone'),
    order: z
      .enum(['least', 'most'])
      .default('least')
      .describe(
        'which go first: the least active on clean images, as Liu et al., or the most active, as the text of the SoK says',
      ),
    layer: z
      .string()
      .min(1)
      .max(200)
      .default('last')
      .describe('whose channels: last (the last maps before pooling), or the beginning of a name such as layer3'),
    parts: z
      .boolean()
      .default(true)
      .describe('whether fine-tuning without pruning is measured too; it costs as much again'),
    ...tuningFields,
  })
  .transform(effectiveTuning);

export type FinePruningParameters = z.infer<typeof parameters>;

export const finePruning: DefenseDefinition<FinePruningParameters> = {
  name: 'fine-pruning',
  title: 'idle channels silenced, then fine-tuned',
  paper: 'Liu, Dolan-Gavitt, Garg: Fine-Pruning, RAID 2018',
  kind: 'repair',
  parameters,
  async run(subject, settings, watch) {
    const { finePrune } = await import('./fine-prune.ts');
    return finePrune(subject, settings, watch);
  },
};
