// How the encoder and decoder of SSBA are trained: published schedules by name, and one that suits small images and few cores.
import { registry } from '../../core/registry.ts';

export interface SsbaSchedule {
  readonly name: string;
  readonly title: string;
  /** Channels of the encoder's first layer; 32 in the published networks. */
  readonly width: number;
  readonly batchSize: number;
  /** Of Adam, constant. */
  readonly learningRate: number;
  /** Training steps, at most. */
  readonly steps: number;
  /** Factor of the secret's cross-entropy in the loss. */
  readonly secretWeight: number;
  /** Factor of the squared error of the image in the loss, when its ramp has ended. */
  readonly imageWeight: number;
  /** `rgb`: mean squared error over all channels, values in [0, 1]. `yuv`: the sum of those of Y, U and V times 1, 100 and 100. */
  readonly colors: 'rgb' | 'yuv';
  readonly ramp: {
    /** What the ramp waits for: the first batch whose bit accuracy is above this; undefined: it counts from the first step. */
    readonly accuracy?: number;
    /** Steps from there until the image's weight begins to grow from 0. */
    readonly wait: number;
    /** Steps in which it grows, along a line. */
    readonly steps: number;
    /** Steps from the first in which it does not count yet, wherever its ramp is. */
    readonly silent?: number;
  };
  /** Ends the training before `steps`, once two checks in a row on held-out training images with the full image weight reach this. */
  readonly enough?: { readonly bitAccuracy: number; readonly psnr: number };
}

/** The image's weight at a step (from 1), when the accuracy first passed its mark at `passed` (0: from the start; undefined: not yet). */
export function imageWeight(
  { imageWeight: full, ramp }: SsbaSchedule,
  step: number,
  passed: number | undefined,
): number {
  const since = ramp.accuracy === undefined ? 0 : passed;
  if (since === undefined || step <= (ramp.silent ?? 0)) return 0;
  return full * Math.min(1, Math.max(0, (step - since - ramp.wait) / ramp.steps));
}

/** A schedule's numbers stay as they are: runs are known by its name. Others get another name. */
export const ssbaSchedules = registry<SsbaSchedule>('SSBA schedule', [
  {
    name: 'fast',
    title: 'for few cores: half the published width, Adam 1e-3, batch 32, ends when accuracy and PSNR suffice',
    width: 16,
    batchSize: 32,
    learningRate: 1e-3,
    steps: 10_000,
    secretWeight: 1,
    imageWeight: 20,
    colors: 'rgb',
    ramp: { accuracy: 0.9, wait: 50, steps: 500 },
    enough: { bitAccuracy: 0.98, psnr: 30 },
  },
  {
    name: 'light',
    title: 'the lighter published schedule: cross-entropy + 10 · squared error, Adam 1e-4, batch 64',
    width: 32,
    batchSize: 64,
    learningRate: 1e-4,
    steps: 50_000,
    secretWeight: 1,
    imageWeight: 10,
    colors: 'rgb',
    ramp: { accuracy: 0.9, wait: 1000, steps: 3000 },
  },
  {
    name: 'stegastamp',
    title:
      "StegaStamp's own, also ISSBA's: errors in YUV, batch 4, 140,000 steps; without perceptual term, critic and print distortions",
    width: 32,
    batchSize: 4,
    learningRate: 1e-4,
    steps: 140_000,
    secretWeight: 1.5,
    imageWeight: 2,
    colors: 'yuv',
    ramp: { wait: 0, steps: 15_000, silent: 1500 },
  },
]);
