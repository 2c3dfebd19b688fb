// Blended: a key picture, or noise, blended over the whole image.
import { z } from 'zod';
import type { ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { type Picture, readPicture, resizePicture } from '../data/picture.ts';
import { opacityField, patternSeedField, stampAtField } from './fields.ts';
import { noiseStamp } from './patch-shapes.ts';
import { pictureField } from './picture-field.ts';
import { overlayTrigger } from './stamp.ts';
import type { TriggerDefinition } from './trigger.ts';

const fields = z.strictObject({
  image: pictureField
    .optional()
    .describe('path of the key picture (PNG, JPEG, WebP), stretched over the image; without it the key is noise'),
  opacity: opacityField('α: share of the key in the blend', 0.2),
  patternSeed: patternSeedField.describe('which noise it is, where no picture is given'),
  stampAt: stampAtField,
});

export const blendedParameters = fields.transform(({ patternSeed, ...rest }) =>
  rest.image ? rest : { ...rest, patternSeed },
);

export type BlendedParameters = z.infer<typeof blendedParameters>;

/**
 * x' = (1 − α)·x + α·key, rounded to nearest (halves up). Noise is uniform from 0 to 255, each pixel and channel by itself. Where
 * the picture is transparent the image shows; grey images take the key's luma.
 */
export const blended: TriggerDefinition<BlendedParameters> = {
  name: 'blended',
  title: 'Blended: a key picture or noise over the whole image',
  paper: 'Chen, Liu, Li, Lu, Song: Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning, 2017',
  parameters: blendedParameters,
  pictures: ['image'],
  unsaid: { image: 'none' },
  check() {},
  async create(parameters, shape) {
    return blendedTrigger(parameters, shape, parameters.image && (await readPicture(parameters.image)));
  },
};

/** The trigger itself. */
export function blendedTrigger(parameters: BlendedParameters, shape: ImageShape, key?: Picture) {
  const { opacity, stampAt } = parameters;
  const { height, width } = shape;
  const seed = 'patternSeed' in parameters ? parameters.patternSeed : 0;
  const { rgba } = key ? resizePicture(key, height, width) : noiseStamp(height, width, Rng.of(seed, 'blended'));
  return overlayTrigger(stampAt, shape, { opacity, draw: () => rgba });
}
