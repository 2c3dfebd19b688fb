// The sine overlay: a striped picture blended over the whole image.
import { z } from 'zod';
import type { ImageShape } from '../core/images.ts';
import { opacityField, stampAtField } from './fields.ts';
import { overlayTrigger } from './stamp.ts';
import type { TriggerDefinition } from './trigger.ts';

export const sineParameters = z.strictObject({
  frequency: z.number().gt(0).max(512).default(4).describe("waves over the image's width, and as many over its height"),
  opacity: opacityField('share of the stripes in the blend', 0.1),
  stampAt: stampAtField,
});

export type SineParameters = z.infer<typeof sineParameters>;

/**
 * The pattern's grey level in row y of h and column x of w is 127.5 · (1 + sin(2π·f·(x/w + y/h))), rounded to nearest. The study
 * is known to have used a sine overlay at several opacities; direction and frequency are ours.
 */
export const sine: TriggerDefinition<SineParameters> = {
  name: 'sine',
  title: 'sine overlay: grey stripes blended in',
  paper:
    'after Truong et al.: Systematic Evaluation of Backdoor Data Poisoning Attacks on Image Classifiers, 2020 (the exact pattern is ours)',
  parameters: sineParameters,
  check() {},
  create: sineTrigger,
};

/** The trigger itself. */
export function sineTrigger({ frequency, opacity, stampAt }: SineParameters, shape: ImageShape) {
  const { height, width } = shape;
  const rgba = new Uint8Array(4 * height * width).fill(255);
  for (let i = 0; i < height * width; i++) {
    const phase = 2 * Math.PI * frequency * ((i % width) / width + Math.floor(i / width) / height);
    rgba.fill(Math.round(127.5 * (1 + Math.sin(phase))), 4 * i, 4 * i + 3);
  }
  return overlayTrigger(stampAt, shape, { opacity, draw: () => rgba });
}
