// SIG: a faint sinusoid added to the whole image.
import { z } from 'zod';
import type { Image, ImageShape } from '../core/images.ts';
import { stampAtField } from './fields.ts';
import { checkShape } from './stamp.ts';
import type { Trigger, TriggerDefinition } from './trigger.ts';

export const sigParameters = z.strictObject({
  delta: z.number().gt(0).max(255).default(20).describe('Δ: amplitude in grey levels of 255'),
  frequency: z.number().gt(0).max(512).default(6).describe("f: waves over the image's width"),
  stampAt: stampAtField,
});

export type SigParameters = z.infer<typeof sigParameters>;

/**
 * Every channel of the pixel in column j (from 0) of m becomes x + Δ·sin(2π·j·f/m), cut at 0 and 255 and rounded to nearest
 * (halves up). The paper counts columns from 1 and its followers' code from 0, which shifts the wave by a pixel.
 */
export const sig: TriggerDefinition<SigParameters> = {
  name: 'sig',
  title: 'SIG: a sinusoid over the whole image',
  paper: 'Barni, Kallas, Tondi: A New Backdoor Attack in CNNs by Training Set Corruption without Label Poisoning, 2019',
  parameters: sigParameters,
  check() {},
  create: sinusoidTrigger,
};

/** The trigger itself. */
export function sinusoidTrigger({ delta, frequency, stampAt }: SigParameters, shape: ImageShape) {
  const { width, channels } = shape;
  const wave = Float64Array.from({ length: width }, (_, x) => delta * Math.sin((2 * Math.PI * x * frequency) / width));
  return {
    stampAt,
    shape,
    apply(image: Image) {
      checkShape(shape, image);
      const { pixels } = image;
      for (let i = 0; i < pixels.length; i++) {
        const level = pixels[i] + wave[Math.floor(i / channels) % width];
        pixels[i] = Math.round(Math.min(255, Math.max(0, level)));
      }
    },
  } satisfies Trigger;
}
