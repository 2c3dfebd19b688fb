// The parameters of defences that train on: how many clean images the defender has, and what is done with them.
import { z } from 'zod';

export const budgetField = z
  .number()
  .gt(0)
  .max(1)
  .default(0.05)
  .describe(
    'clean images that the defender has, as a share of the training images, evenly by class; those the attack left alone',
  );

export const tuningFields = {
  budget: budgetField,
  epochs: z.int().min(0).max(1000).default(20).describe('times each of them is trained on; 0: no fine-tuning'),
  optimizer: z.enum(['adam', 'sgd']).default('sgd').describe('adam or sgd'),
  learningRate: z.number().gt(0).default(0.01).describe('learning rate'),
  momentum: z.number().min(0).lt(1).default(0.9).describe("SGD's momentum; of no effect under Adam"),
  weightDecay: z.number().min(0).default(0.0005).describe('L2 penalty added to the gradient'),
  batchSize: z.int().min(1).max(4096).default(128).describe('images in a batch'),
  trains: z
    .enum(['all', 'same'])
    .default('all')
    .describe('all: every parameter; same: those that the run trained (its freeze policy)'),
} as const;

const tuning = z.strictObject(tuningFields);

export type TuningSettings = z.infer<typeof tuning>;

/** Settings in which nothing stands that has no effect, so that equal runs are equal. */
export function effectiveTuning<T extends TuningSettings>(settings: T): T {
  return settings.optimizer === 'adam' ? { ...settings, momentum: 0 } : settings;
}
