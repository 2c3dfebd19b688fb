// The variance overlay: a fixed picture of Gaussian noise of a given spread, blended over the whole image.
import { z } from 'zod';
import type { ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { opacityField, patternSeedField, stampAtField } from './fields.ts';
import { overlayTrigger } from './stamp.ts';
import type { TriggerDefinition } from './trigger.ts';

export const varianceParameters = z.strictObject({
  deviation: z
    .number()
    .gt(0)
    .max(255)
    .default(64)
    .describe("standard deviation of the pattern's levels around 127.5, before they are cut at 0 and 255"),
  opacity: opacityField('share of the noise in the blend', 0.2),
  patternSeed: patternSeedField,
  stampAt: stampAtField,
});

export type VarianceParameters = z.infer<typeof varianceParameters>;

/**
 * The pattern's levels are 127.5 plus normal noise, each pixel and channel by itself, cut at 0 and 255 and rounded to nearest. The
 * study names a variance overlay; that it is noise of a set variance is our reading.
 */
export const variance: TriggerDefinition<VarianceParameters> = {
  name: 'variance',
  title: 'variance overlay: Gaussian noise blended in',
  paper:
    'after Truong et al.: Systematic Evaluation of Backdoor Data Poisoning Attacks on Image Classifiers, 2020 (the exact pattern is ours)',
  parameters: varianceParameters,
  check() {},
  create: varianceTrigger,
};

/** The trigger itself. */
export function varianceTrigger(parameters: VarianceParameters, shape: ImageShape) {
  const { deviation, opacity, patternSeed, stampAt } = parameters;
  const rng = Rng.of(patternSeed, 'variance');
  const level = () => Math.round(Math.min(255, Math.max(0, 127.5 + deviation * rng.normal())));
  const rgba = Uint8Array.from({ length: 4 * shape.height * shape.width }, (_, i) => (i % 4 === 3 ? 255 : level()));
  return overlayTrigger(stampAt, shape, { opacity, draw: () => rgba });
}
