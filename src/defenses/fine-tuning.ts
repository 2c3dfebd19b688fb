// Plain fine-tuning on clean images: what every repair has to be compared with.
import { z } from 'zod';
import type { DefenseDefinition } from './defense.ts';
import { effectiveTuning, tuningFields } from './tuning-fields.ts';

const parameters = z
  .strictObject({
    ...tuningFields,
    epochs: tuningFields.epochs.unwrap().min(1).default(20).describe('times each of them is trained on'),
  })
  .transform(effectiveTuning);

export type FineTuningParameters = z.infer<typeof parameters>;

export const fineTuning: DefenseDefinition<FineTuningParameters> = {
  name: 'fine-tuning',
  title: 'training on with clean images alone',
  paper: 'Liu, Dolan-Gavitt, Garg: Fine-Pruning, RAID 2018 (section 3.2, as what it improves on)',
  kind: 'repair',
  parameters,
  async run(subject, settings, watch) {
    const { fineTune } = await import('./fine-tune.ts');
    const { classifier, cost, images, epochLosses } = await fineTune(subject, subject, settings, watch);
    return { metrics: { defenderImages: images }, details: { epochLosses }, cost, repaired: classifier };
  },
};
