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
  /** 75 steps of two batches of 16, λ moving after three: 2,400 images per class. docs/defenses.md has what it was validated against. */
  cheap: {
    ...{ steps: 75, batchesPerStep: 2, batchSize: 16, learningRate: 0.1 },
    ...{ lambda: { ...REFERENCE_LAMBDA, patience: 3 }, earlyStop: false, restarts: 1 },
  },
} as const satisfies Record<string, Omit<CleanseSettings, 'schedule'>>;

export type ScheduleName = keyof typeof SCHEDULES;

const count = (high: number) => z.number().int().min(1).max(high);
const own = (what: string) => `${what}; auto: as the schedule says`;

/** What a spec or a command line may say; `auto` is the schedule's own value. */
export const cleanseSchema = z.strictObject({
  schedule: z
    .enum(['cheap', 'reference'])
    .default('cheap')
    .describe('2,400 images per class, or up to 992,000 as published'),
  steps: z
    .union([z.literal('auto'), count(100_000)])
    .default('auto')
    .describe(own('steps per class at most')),
  batchesPerStep: z
    .union([z.literal('auto'), count(1000)])
    .default('auto')
    .describe(own('batches within a step')),
  batchSize: z
    .union([z.literal('auto'), count(1024)])
    .default('auto')
    .describe(own('images of a batch')),
  restarts: count(20).default(1).describe('independent starts per class; the smallest trigger counts'),
});

export type CleanseParameters = z.output<typeof cleanseSchema>;

/** @throws ZodError for values that are out of range. */
export function cleanseSettings(parameters: z.input<typeof cleanseSchema> = {}): CleanseSettings {
  const { schedule, ...given } = cleanseSchema.parse(parameters);
  const fixed = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== 'auto'));
  return { schedule, ...SCHEDULES[schedule], ...fixed };
}

/** Images shown to the network for one class at most, forward and backward. */
export function imagesPerClass({ steps, batchesPerStep, batchSize, restarts }: CleanseSettings): number {
  return steps * batchesPerStep * batchSize * restarts;
}
