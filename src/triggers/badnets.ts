// BadNets: a square patch of one colour.
import { z } from 'zod';
import type { Image, ImageShape } from '../core/images.ts';
import type { Rng } from '../core/rng.ts';
import { colorSchema, lumaOf, type Rgb, rgbOf } from './colors.ts';
import { placement, positionSchema } from './positions.ts';
import type { Box, Trigger, TriggerDefinition } from './trigger.ts';

/** Parameters of the patch; unknown keys are errors. The spec's `type` is not among them. */
export const badnetsParameters = z.strictObject({
  size: z.number().gt(0).max(1).describe("side of the patch as a share of the image's width, above 0 and up to 1"),
  position: positionSchema
    .default('bottom-right')
    .describe(
      'top-left, top-right, middle, bottom-left, bottom-right, random (anew for each image), or {top, left}: the upper left pixel of the patch, counted from 0',
    ),
  color: colorSchema
    .default('white')
    .describe('black, white, green (102, 179, 92), "#rrggbb" or [r, g, b]; grey images take its luma (ITU-R BT.601)'),
  opacity: z.number().gt(0).max(1).default(1).describe('share of the colour in the blend, above 0 and up to 1'),
  rounding: z
    .enum(['round', 'floor'])
    .default('round')
    .describe(
      'how size · width becomes whole pixels: to the nearest (halves up) or down; at least 1 pixel in any case',
    ),
  stampAt: z
    .enum(['native', 'input'])
    .default('native')
    .describe("whether the patch is stamped on the dataset's own pixels or after the resize to the model's input size"),
});

export type BadnetsParameters = z.infer<typeof badnetsParameters>;

/**
 * The line of the trigger registry. Every stamped pixel becomes (1 − opacity) · pixel + opacity · colour, rounded to
 * nearest (halves up). A mask says where, so that black is a colour like any other.
 */
export const badnets: TriggerDefinition<BadnetsParameters> = {
  name: 'badnets',
  title: 'BadNets: a square patch',
  paper:
    'Gu, Dolan-Gavitt, Garg: BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain, 2017',
  parameters: badnetsParameters,
  create,
};

/** @throws TriggerlabError (input) when the patch does not fit into images of this shape. */
function create(parameters: BadnetsParameters, shape: ImageShape): Trigger {
  const box = placement(parameters.position, patchSide(parameters, shape.width), shape);
  const rgb = rgbOf(parameters.color);
  const luma = lumaOf(rgb);
  const color: Rgb = shape.channels === 1 ? [luma, luma, luma] : rgb;
  const { opacity, stampAt } = parameters;
  const apply = (image: Image, rng: Rng) => {
    if (image.height !== shape.height || image.width !== shape.width || image.channels !== shape.channels) {
      throw new RangeError(
        `badnets: made for ${text(shape)} images (height × width × channels), got one of ${text(image)}`,
      );
    }
    stamp(image, box(rng), color, opacity);
  };
  return stampAt === 'native' ? { stampAt, apply } : { stampAt, apply, patch: { opacity, color, box } };
}

/** Side of the patch in pixels on images of a width: at least 1. */
export function patchSide({ size, rounding }: Pick<BadnetsParameters, 'size' | 'rounding'>, width: number): number {
  return Math.max(1, rounding === 'floor' ? Math.floor(size * width) : Math.round(size * width));
}

function stamp(image: Image, box: Box, color: Rgb, opacity: number): void {
  const { pixels, width, channels } = image;
  for (let y = box.top; y < box.top + box.height; y++) {
    for (let x = box.left; x < box.left + box.width; x++) {
      for (let c = 0; c < channels; c++) {
        const at = (y * width + x) * channels + c;
        pixels[at] = Math.round((1 - opacity) * pixels[at] + opacity * color[c]);
      }
    }
  }
}

function text({ height, width, channels }: ImageShape): string {
  return `${height} × ${width} × ${channels}`;
}
