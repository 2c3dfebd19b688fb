// How long and on how many images Neural Cleanse searches: the reference's schedule and the cheap one that is the default.
import { z } from 'zod';
import { type LambdaSchedule, REFERENCE_LAMBDA } from './lambda-schedule.ts';

export interface CleanseSettings {
  readonly schedule: ScheduleName;
  /** Steps per class at most; λ moves between steps. */
  readonly steps: number;
  /** Batches, and so updates of the trigger, within a step. */
  readonly batchesPerStep: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly lambda: LambdaSchedule;
  /** Whether a class may end early, as `LambdaSchedule.stopAfter` says. */
  readonly earlyStop: boolean;
  /** Independent starts per class; the smallest mask that works counts. */
  readonly restarts: number;
}

export const SCHEDULES = {
  /** Wang et al. 2019: up to 1,000 steps of 31 batches of 32, 992,000 images per class. */
  reference: {
    ...{ steps: 1000, batchesPerStep: 31, batchSize: 32, learningRate: 0.1 },
    ...{ lambda: REFERENCE_LAMBDA, earlyStop: true, restarts: 1 },
  },
  /** 150 steps of one batch of 32: 4,800 images per class. docs/defenses.md has what it was validated against. */
  cheap: {
    ...{ steps: 150, batchesPerStep: 1, batchSize: 32, learningRate: 0.1 },
    ...{ lambda: REFERENCE_LAMBDA, earlyStop: false, restarts: 1 },
  },
} as const satisfies Record<string, Omit<CleanseSettings, 'schedule'>>;

export type ScheduleName = keyof typeof SCHEDULES;

/** What a spec or a command line may say; what it leaves out is the schedule's. */
export const cleanseSchema = z.strictObject({
  schedule: z.enum(['cheap', 'reference']).default('cheap'),
  steps: z.number().int().min(1).max(100_000).optional(),
  batchesPerStep: z.number().int().min(1).max(1000).optional(),
  batchSize: z.number().int().min(1).max(1024).optional(),
  restarts: z.number().int().min(1).max(20).optional(),
});

export type CleanseParameters = z.input<typeof cleanseSchema>;

/** @throws ZodError for values that are out of range. */
export function cleanseSettings(parameters: CleanseParameters = {}): CleanseSettings {
  const { schedule, ...own } = cleanseSchema.parse(parameters);
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { schedule, ...SCHEDULES[schedule], ...given };
}

/** Images shown to the network for one class at most, forward and backward. */
export function imagesPerClass({ steps, batchesPerStep, batchSize, restarts }: CleanseSettings): number {
  return steps * batchesPerStep * batchSize * restarts;
}
