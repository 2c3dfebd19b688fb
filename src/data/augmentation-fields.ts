// What a spec says of training augmentation, field by field, and the values at which a field changes nothing.
import { z } from 'zod';

/** Chances are in [0, 1]; what is drawn for an image is drawn in the order of these fields. */
export interface AugmentationSpec {
  /** Shifted by up to so many of its own pixels each way, black coming in: torchvision's `RandomCrop(size, padding=n)`. */
  readonly crop: number;
  readonly cropProbability: number;
  /** Turned by up to so many degrees each way about its centre, bilinearly, black coming in. */
  readonly rotation: number;
  readonly rotationProbability: number;
  /** Chance of being mirrored left to right. */
  readonly flip: number;
  /**
   * Least share of the area that a random part of the image has, which is resized to the network's input in place of the
   * whole: torchvision's `RandomResizedCrop(inputSize, scale=(n, 1))` with its aspect ratios from 3/4 to 4/3.
   */
  readonly resizedCrop: 'none' | number;
  /** Whether each image is drawn for, or once the whole batch, as in WaNet's training. */
  readonly draw: 'image' | 'batch';
}

export const NEUTRAL_AUGMENTATION: AugmentationSpec = {
  crop: 0,
  cropProbability: 1,
  rotation: 0,
  rotationProbability: 1,
  flip: 0,
  resizedCrop: 'none',
  draw: 'image',
};

const probability = z.number().gt(0).max(1);

/** One schema per field. */
export const augmentationFields: Readonly<Record<keyof AugmentationSpec, z.ZodType>> = {
  crop: z.int().min(0).max(256),
  cropProbability: probability,
  rotation: z.number().min(0).max(180),
  rotationProbability: probability,
  flip: z.number().min(0).max(1),
  resizedCrop: z.union([z.literal('none'), probability], {
    error: 'expected none, or the least share of the area, above 0 and up to 1',
  }),
  draw: z.enum(['image', 'batch']),
};

/** The fields that differ from the neutral ones and have an effect. */
export function effectiveAugmentation(given: Partial<AugmentationSpec>): Partial<AugmentationSpec> {
  const { crop, cropProbability, rotation, rotationProbability, flip, resizedCrop, draw } = {
    ...NEUTRAL_AUGMENTATION,
    ...given,
  };
  const any = crop > 0 || rotation > 0 || flip > 0 || resizedCrop !== 'none';
  return {
    ...(crop > 0 ? { crop, ...(cropProbability < 1 ? { cropProbability } : {}) } : {}),
    ...(rotation > 0 ? { rotation, ...(rotationProbability < 1 ? { rotationProbability } : {}) } : {}),
    ...(flip > 0 ? { flip } : {}),
    ...(resizedCrop === 'none' ? {} : { resizedCrop }),
    ...(any && draw !== 'image' ? { draw } : {}),
  };
}
