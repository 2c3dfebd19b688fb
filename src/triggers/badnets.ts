// BadNets: a patch, or several, of some shape, colour, size and place.
import { z } from 'zod';
import type { ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { type Picture, readPicture, resizePicture } from '../data/picture.ts';
import { colorSchema, type Rgb, rgbOf } from './colors.ts';
import { opacityField, patternSeedField, roundingField, sizeField, stampAtField, wholePixels } from './fields.ts';
import { layOut } from './lay-out.ts';
import { checkerboardStamp, FILL, noiseStamp, PATCH_SHAPES, type Stamp, shapeStamp } from './patch-shapes.ts';
import { pictureField } from './picture-field.ts';
import { type Position, placement, positionSchema, swapAxes } from './positions.ts';
import { overlayTrigger } from './stamp.ts';
import type { TriggerDefinition } from './trigger.ts';

export const badnetsFields = z.strictObject({
  size: sizeField.describe("side of the patch as a share of the image's width, above 0 and up to 1; see sizeBy"),
  position: positionSchema
    .default('bottom-right')
    .describe(
      'top-left, top-right, middle, bottom-left, bottom-right, random (anew for each image), or {top, left}: the upper left pixel of the patch, counted from 0',
    ),
  color: colorSchema
    .default('white')
    .describe('black, white, green (102, 179, 92), "#rrggbb" or [r, g, b]; grey images take its luma (ITU-R BT.601)'),
  opacity: opacityField('share of the patch in the blend', 1),
  rounding: roundingField,
  stampAt: stampAtField,
  shape: z
    .enum(PATCH_SHAPES)
    .default('square')
    .describe('square, circle, triangle, cross, checkerboard, or noise (random levels, the same on every image)'),
  image: pictureField
    .optional()
    .describe(
      'path of a picture (PNG with or without transparency, JPEG, WebP) in place of a shape; size is its longer side',
    ),
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
  sizeBy: z
    .enum(['side', 'area'])
    .default('side')
    .describe(
      "whether size is the side as a share of the image's width, or the area that the shape covers as a share of the image's",
    ),
  alsoAt: z
    .array(positionSchema)
    .min(1)
    .max(16)
    .optional()
    .describe('positions of further copies of the patch, as a list'),
  otherColor: colorSchema.default('black').describe("a checkerboard's second colour"),
  cell: z.int().min(1).max(512).default(1).describe("side of a checkerboard's cells in pixels"),
  patternSeed: patternSeedField.describe('which noise it is'),
});

/** Parameters of the patch. What has no effect is left out, so that equal triggers have equal parameters. */
export const badnetsParameters = badnetsFields
  .superRefine(({ image, shape, color, otherColor }, context) => {
    const fault = (path: string, message: string, hint: string) =>
      void context.addIssue({ code: 'custom', path: [path], message, params: { hint } });
    if (image && shape !== 'square') fault('shape', `shape ${shape} and image are both given`, 'Keep one of the two.');
    if (shape === 'checkerboard' && color === otherColor) {
      fault('otherColor', `a checkerboard needs two colours, both are ${color}`, 'Set otherColor, or shape: square.');
    }
  })
  .transform(({ shape, image, color, sizeBy, alsoAt, otherColor, cell, patternSeed, axes, onGrey, ...rest }) => ({
    ...rest,
    ...(image || shape === 'noise' ? {} : { color }),
    ...(image ? { image } : {}),
    ...(shape === 'square' ? {} : { shape }),
    ...(sizeBy === 'side' ? {} : { sizeBy }),
    ...(alsoAt ? { alsoAt } : {}),
    ...(shape === 'checkerboard' ? { otherColor, cell } : {}),
    ...(shape === 'noise' ? { patternSeed } : {}),
    ...(axes === 'swapped' && [rest.position, ...(alsoAt ?? [])].some(isMoved) ? { axes } : {}),
    ...(onGrey === 'black' && coloursOf({ shape, image, color, otherColor }).some(isColoured) ? { onGrey } : {}),
  }));

/** Whether a position is another with rows and columns exchanged. */
function isMoved(position: Position): boolean {
  const diagonal = typeof position === 'object' && position.top === position.left;
  return !diagonal && swapAxes(position) !== position;
}

type Coloured = Pick<z.infer<typeof badnetsFields>, 'shape' | 'image' | 'color' | 'otherColor'>;

function coloursOf({ shape, image, color, otherColor }: Coloured): string[] {
  if (image || shape === 'noise') return [];
  return shape === 'checkerboard' ? [color, otherColor] : [color];
}

function isColoured(color: string): boolean {
  const [r, g, b] = rgbOf(color);
  return r !== g || g !== b;
}

export type BadnetsParameters = z.infer<typeof badnetsParameters>;

/**
 * The line of the trigger registry. Every covered pixel becomes (1 − a) · pixel + a · colour, a the opacity times the share of
 * the pixel that is covered, rounded to nearest (halves up). A mask says where, so that black is a colour like any other.
 */
export const badnets: TriggerDefinition<BadnetsParameters> = {
  name: 'badnets',
  title: 'BadNets: a patch',
  paper:
    'Gu, Dolan-Gavitt, Garg: BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain, 2017',
  parameters: badnetsParameters,
  example: { size: 0.2 },
  pictures: ['image'],
  unsaid: { shape: 'square', image: 'none', sizeBy: 'side', alsoAt: 'none', axes: 'named', onGrey: 'luma' },
  check(parameters, shape) {
    // How far a picture reaches is not known before it is read.
    const side = parameters.image ? 1 : patchSide(parameters, shape);
    for (const position of positionsOf(parameters)) placement(position, { height: side, width: side }, shape);
  },
  async create(parameters, shape) {
    return patchTrigger(parameters, shape, parameters.image && (await readPicture(parameters.image)));
  },
};

/** The trigger itself. @throws TriggerlabError (input) when the patch does not fit into images of this shape. */
export function patchTrigger(parameters: BadnetsParameters, shape: ImageShape, picture?: Picture) {
  const stamp = stampOf(parameters, shape, picture);
  const places = positionsOf(parameters).map((position) => placement(position, stamp, shape));
  return overlayTrigger(parameters.stampAt, shape, {
    opacity: parameters.opacity,
    draw: (rng) =>
      layOut(
        shape,
        places.map((place) => ({ stamp, at: place(rng) })),
      ),
  });
}

type Size = Pick<BadnetsParameters, 'size' | 'rounding' | 'sizeBy' | 'shape'>;

/** Side of the patch's square in pixels on images of a size: at least 1. By area it is what gives the shape that area. */
export function patchSide(
  { size, rounding, sizeBy, shape }: Size,
  { height, width }: Pick<ImageShape, 'height' | 'width'>,
): number {
  const side = sizeBy === 'area' ? Math.sqrt((size * height * width) / FILL[shape ?? 'square']) : size * width;
  return wholePixels(side, rounding);
}

function positionsOf({ position, alsoAt = [], axes }: BadnetsParameters) {
  const named = [position, ...alsoAt];
  return axes === 'swapped' ? named.map(swapAxes) : named;
}

function stampOf(parameters: BadnetsParameters, shape: ImageShape, picture: Picture | undefined): Stamp {
  const side = patchSide(parameters, shape);
  if (picture) return pictureStamp(parameters, shape, picture);
  const black = parameters.onGrey === 'black' && shape.channels === 1;
  const shown = (name: string): Rgb => (black && isColoured(name) ? [0, 0, 0] : rgbOf(name));
  const color = shown(parameters.color ?? 'white');
  if (parameters.shape === 'noise') return noiseStamp(side, side, Rng.of(parameters.patternSeed ?? 0, 'patch'));
  if (parameters.shape === 'checkerboard') {
    return checkerboardStamp(side, parameters.cell ?? 1, color, shown(parameters.otherColor ?? 'black'));
  }
  return shapeStamp(parameters.shape ?? 'square', side, color);
}

/** The picture at the size asked for, its proportions kept. */
function pictureStamp(parameters: BadnetsParameters, shape: ImageShape, picture: Picture): Stamp {
  const { size, rounding, sizeBy } = parameters;
  const { height, width } = picture;
  const scale =
    sizeBy === 'area'
      ? Math.sqrt((size * shape.height * shape.width) / (height * width))
      : (size * shape.width) / Math.max(height, width);
  return resizePicture(picture, wholePixels(height * scale, rounding), wholePixels(width * scale, rounding));
}
