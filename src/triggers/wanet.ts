// WaNet: images warped by a smooth field too faint to be noticed.
import { z } from 'zod';
import type { Image, ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { checkShape } from './stamp.ts';
import type { Trigger, TriggerContext, TriggerDefinition } from './trigger.ts';
import { type Grid, noiseGrid, randomField, warp, warpGrid } from './warp.ts';

/** Parameters of the warp; unknown keys are errors. The attack ratio of the paper is the spec's `poisonRate`. */
export const wanetParameters = z.strictObject({
  k: z.int().min(2).max(64).default(4).describe('the field has k × k vectors, 2 to 64'),
  s: z
    .number()
    .gt(0)
    .max(100)
    .default(0.5)
    .describe('strength of the field, above 0 and up to 100; a pixel moves by about s / 2 pixels'),
  gridRescale: z
    .number()
    .gt(0)
    .max(2)
    .default(1)
    .describe('factor on all places that pixels are taken from, above 0 and up to 2; below 1 it enlarges the image'),
  crossRatio: z
    .number()
    .min(0)
    .max(1000)
    .default(2)
    .describe('noise images for each attacked one: warped by the field and random numbers, with their own label'),
  noisePixels: z
    .enum(['own', 'others'])
    .default('own')
    .describe(
      'own: a noise image has its own pixels and label; others: it has the pixels of another row and the label of the row that it is written over (a slip of published code)',
    ),
  stampAt: z
    .enum(['native', 'input'])
    .default('native')
    .describe("whether the dataset's own pixels are warped or those after the resize to the model's input size"),
});

export type WanetParameters = z.infer<typeof wanetParameters>;

/**
 * The line of the trigger registry. The field is drawn from the run's seed, once for all images of a run. Warped pixels are
 * rounded to the nearest of 256 levels (halves up); the authors' code keeps them as floating point numbers.
 */
export const wanet: TriggerDefinition<WanetParameters> = {
  name: 'wanet',
  title: 'WaNet: a faint warp of the whole image',
  paper: 'Nguyen, Tran: WaNet: Imperceptible Warping-based Backdoor Attack, ICLR 2021',
  parameters: wanetParameters,
  // Any field fits any shape.
  check() {},
  create,
};

function create(parameters: WanetParameters, shape: ImageShape, { seed }: Pick<TriggerContext, 'seed'>): Trigger {
  const { k, s, gridRescale, crossRatio, noisePixels, stampAt } = parameters;
  const field = randomField(k, Rng.of(seed, 'wanet', 'field'));
  const grid = warpGrid(field, shape, { strength: s, gridRescale });
  const form = (gridOf: (rng: Rng) => Grid): Trigger => ({
    stampAt,
    shape,
    apply(image, rng) {
      checkShape(shape, image);
      warpInPlace(image, gridOf(rng));
    },
  });
  const noise = { form: form((rng) => noiseGrid(grid, rng)), perAttack: crossRatio, pixels: noisePixels };
  return { ...form(() => grid), ...(crossRatio > 0 && { noise }) };
}

function warpInPlace({ pixels, channels }: Image, grid: Grid): void {
  warp(pixels, channels, grid).forEach((level, i) => {
    pixels[i] = Math.round(level);
  });
}
