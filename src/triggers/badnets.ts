// BadNets: a square patch of one colour.
import { z } from 'zod';
import type { ImageShape } from '../core/images.ts';
import { colorSchema, type Rgb, rgbOf } from './colors.ts';
import { type Position, placement, positionSchema, swapAxes } from './positions.ts';
import { overlayTrigger } from './stamp.ts';
import type { Box, TriggerDefinition } from './trigger.ts';

const fields = z.strictObject({
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
  axes: z
    .enum(['named', 'swapped'])
    .default('named')
    .describe(
      'swapped: rows and columns exchanged, so that top-right lies bottom-left, as in a program of the SoK’s authors',
    ),
  onGrey: z
    .enum(['luma', 'black'])
    .default('luma')
    .describe('black: on grey images, colours that are not grey are black, as in the programs of the SoK’s authors'),
});

/**
 * Parameters of the patch; unknown keys are errors. The spec's `type` is not among them. `axes` and `onGrey` are left out where
 * they change nothing, so that equal triggers have equal parameters.
 */
export const badnetsParameters = fields.transform(({ axes, onGrey, ...parameters }) => {
  const { position, color } = parameters;
  const [r, g, b] = rgbOf(color);
  return {
    ...parameters,
    ...(axes === 'swapped' && swapAxes(position) !== position && !isDiagonal(position) ? { axes } : {}),
    ...(onGrey === 'black' && !(r === g && g === b) ? { onGrey } : {}),
  };
});

function isDiagonal(position: Position): boolean {
  return typeof position === 'object' && position.top === position.left;
}

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
  check: (parameters, shape) => void patchTrigger(parameters, shape),
  create: patchTrigger,
};

/** The trigger itself. @throws TriggerlabError (input) when the patch does not fit into images of this shape. */
export function patchTrigger(parameters: BadnetsParameters, shape: ImageShape) {
  const { position, axes, onGrey } = parameters;
  const lies = axes === 'swapped' ? swapAxes(position) : position;
  const place = placement(lies, patchSide(parameters, shape.width), shape);
  const color: Rgb = onGrey === 'black' && shape.channels === 1 ? [0, 0, 0] : rgbOf(parameters.color);
  return overlayTrigger(parameters.stampAt, shape, {
    opacity: parameters.opacity,
    draw: (rng) => squareOver(shape, place(rng), color),
  });
}

/** Side of the patch in pixels on images of a width: at least 1. */
export function patchSide({ size, rounding }: Pick<BadnetsParameters, 'size' | 'rounding'>, width: number): number {
  return Math.max(1, rounding === 'floor' ? Math.floor(size * width) : Math.round(size * width));
}

function squareOver({ height, width }: ImageShape, box: Box, color: Rgb): Uint8Array {
  const rgba = new Uint8Array(4 * height * width);
  for (let y = box.top; y < box.top + box.height; y++) {
    for (let x = box.left; x < box.left + box.width; x++) rgba.set([...color, 255], 4 * (y * width + x));
  }
  return rgba;
}
