// How visible a trigger is, as columns of tables.
import type { MetricName, RunGroup } from '../analysis/aggregate.ts';
import type { RunRecord, StealthMetrics } from '../store/records.ts';

export interface StealthColumn {
  readonly name: Exclude<keyof StealthMetrics, 'stealthImages'>;
  readonly title: string;
  readonly digits: number;
  readonly description: string;
}

export const STEALTH_COLUMNS: readonly StealthColumn[] = [
  {
    name: 'stealthLinf',
    title: 'L∞',
    digits: 1,
    description:
      'Largest change of a level, out of 255, that the trigger makes to an image; mean over a sample of test images.',
  },
  {
    name: 'stealthL2',
    title: 'L2',
    digits: 0,
    description: 'Euclidean norm of the change over all pixels and channels, in levels of 255.',
  },
  {
    name: 'stealthPsnr',
    title: 'PSNR dB',
    digits: 1,
    description: 'Peak signal-to-noise ratio, mean over the sampled images that the trigger changes.',
  },
  {
    name: 'stealthSsim',
    title: 'SSIM',
    digits: 3,
    description: 'Structural similarity (Gaussian window), 1 where the trigger cannot be seen.',
  },
  {
    name: 'stealthPerceptual',
    title: 'feature distance',
    digits: 3,
    description:
      'Distance in the features of resnet-mini, built as LPIPS but without its weights: it compares only with itself.',
  },
];

/** Whether some run says how visible its trigger is: older results do not. */
export function haveStealth(runs: readonly RunRecord[]): boolean {
  return runs.some(({ metrics }) => (metrics?.stealthImages ?? 0) > 0);
}

/** A figure as people read it. */
export function stealthText({ digits }: StealthColumn, value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value.toFixed(digits);
}

/** The mean of a figure over the runs of a group. */
export function stealthMean(group: Pick<RunGroup, 'metrics'>, { name }: StealthColumn): number | undefined {
  return group.metrics[name satisfies MetricName]?.mean;
}
