// What a spec says of preprocessing, field by field, and the values at which a field changes nothing.
import { z } from 'zod';
import type { ImageShape } from '../core/images.ts';
import type { Resampling } from '../graph/ops/resize-taps.ts';

/** Per-channel mean and standard deviation of pixels in [0, 1], red first. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** From the dataset's own pixels to the network's input. */
export interface PreprocessingSpec extends Resampling {
  /** Side to which the dataset's images are resized, as PIL's `BILINEAR` does, and kept as bytes: triggers meet those. */
  readonly rewrite: 'none' | number;
  /** Resized to: both sides that of the input; not at all; or the shorter side, as torchvision's `Resize(n)`. */
  readonly resize: 'input' | 'none' | number;
  /** Where resized pixels become whole levels again: nowhere, once at the end (tensors of bytes), after each axis (PIL). */
  readonly quantize: 'never' | 'once' | 'each-axis';
  /** The model's own, the dataset's (mean and deviation of its training images), or given numbers. */
  readonly normalization: 'model' | 'dataset' | Normalization;
}

/** A chain that a run leaves unsaid: straight to the input's size, as PyTorch's `interpolate` without antialiasing. */
export const NEUTRAL_PREPROCESSING: PreprocessingSpec = {
  rewrite: 'none',
  resize: 'input',
  filter: 'bilinear',
  antialias: false,
  quantize: 'never',
  normalization: 'model',
};

const side = z.int().min(8).max(1024);
const perChannel = (value: z.ZodNumber) =>
  z
    .union([value, z.tuple([value, value, value])], { error: 'expected a number, or three: red, green, blue' })
    .transform((given) => (typeof given === 'number' ? [given, given, given] : given));

/** One schema per field. */
export const preprocessingFields: Readonly<Record<keyof PreprocessingSpec, z.ZodType>> = {
  rewrite: z.union([z.literal('none'), side], { error: 'expected none, or a side from 8 to 1024 pixels' }),
  resize: z.union([z.enum(['input', 'none']), side], {
    error: 'expected input, none, or the length of the shorter side, 8 to 1024 pixels',
  }),
  filter: z.enum(['bilinear', 'bicubic']),
  antialias: z.boolean(),
  quantize: z.enum(['never', 'once', 'each-axis']),
  normalization: z.union(
    [
      z.enum(['model', 'dataset']),
      z.strictObject({
        mean: perChannel(z.number().min(0).max(1)),
        std: perChannel(z.number().min(0.001).max(10)),
      }),
    ],
    { error: 'expected model, dataset, or numbers such as {mean: 0.5, std: 0.5}' },
  ),
};

/** Shape of the images that triggers on native pixels meet: the dataset's own, or as it was rewritten. */
export function storedShape(
  { height, width, channels }: ImageShape,
  rewrite: PreprocessingSpec['rewrite'] = 'none',
): ImageShape {
  return rewrite === 'none' ? { height, width, channels } : { height: rewrite, width: rewrite, channels };
}
