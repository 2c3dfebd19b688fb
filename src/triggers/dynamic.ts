// A dynamic trigger: each image gets one of several noise patches at one of several places.
import { z } from 'zod';
import type { ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { opacityField, patternSeedField, roundingField, sizeField, stampAtField, wholePixels } from './fields.ts';
import { layOut } from './lay-out.ts';
import { noiseStamp } from './patch-shapes.ts';
import { placement, positionSchema } from './positions.ts';
import { overlayTrigger } from './stamp.ts';
import type { TriggerDefinition } from './trigger.ts';

export const dynamicParameters = z.strictObject({
  size: sizeField.describe("side of the patches as a share of the image's width, above 0 and up to 1"),
  patterns: z.int().min(1).max(1000).default(10).describe('how many noise patches there are, 1 to 1000'),
  places: z
    .array(positionSchema)
    .min(1)
    .max(64)
    .default(['top-left', 'top-right', 'middle', 'bottom-left', 'bottom-right'])
    .describe('where a patch may lie: a list of positions as BadNets has them'),
  opacity: opacityField('share of the patch in the blend', 1),
  patternSeed: patternSeedField,
  rounding: roundingField,
  stampAt: stampAtField,
});

export type DynamicParameters = z.infer<typeof dynamicParameters>;

/**
 * Levels of the patches are uniform, each pixel and channel by itself; grey images take their luma. An image's own stream draws
 * the patch first, then the place, all equally likely.
 */
export const dynamic: TriggerDefinition<DynamicParameters> = {
  name: 'dynamic',
  title: 'dynamic: one of several noise patches at one of several places',
  paper:
    'Salem, Wen, Backes, Ma, Zhang: Dynamic Backdoor Attacks Against Machine Learning Models, 2022 (Random Backdoor)',
  parameters: dynamicParameters,
  example: { size: 0.25 },
  check: (parameters, shape) => void dynamicTrigger(parameters, shape),
  create: dynamicTrigger,
};

/** The trigger itself. @throws TriggerlabError (input) when a patch does not fit into images of this shape. */
export function dynamicTrigger(parameters: DynamicParameters, shape: ImageShape) {
  const { size, patterns, places, opacity, patternSeed, rounding, stampAt } = parameters;
  const side = wholePixels(size * shape.width, rounding);
  const placed = places.map((place) => placement(place, { height: side, width: side }, shape));
  const stamps = Array.from({ length: patterns }, (_, i) => noiseStamp(side, side, Rng.of(patternSeed, 'dynamic', i)));
  return overlayTrigger(stampAt, shape, {
    opacity,
    draw(rng) {
      const stamp = stamps[rng.int(0, patterns - 1)];
      const place = placed[rng.int(0, placed.length - 1)];
      return layOut(shape, [{ stamp, at: place(rng) }]);
    },
  });
}
