// SSBA: a network hides a bit string in the image; what it changes differs from image to image.
import { z } from 'zod';
import { inputError } from '../core/errors.ts';
import type { ImageShape } from '../core/images.ts';
import { datasetLabel } from '../core/references.ts';
import { ssbaSchedules } from './ssba/schedules.ts';
import { checkSquare, encoderKey, settingsFor } from './ssba/settings.ts';
import type { Trigger, TriggerContext, TriggerDefinition } from './trigger.ts';

/** Parameters of SSBA; unknown keys are errors. The spec's `type` is not among them. */
export const ssbaParameters = z.strictObject({
  bits: z.number().int().min(1).max(1000).default(20).describe('length of the secret'),
  secret: z
    .enum(['one', 'per-image'])
    .default('one')
    .describe('whether all images hide one secret, or each its own, which its pixels decide'),
  secretSeed: z.number().int().min(0).default(0).describe('decides the secrets'),
  schedule: z
    .enum(ssbaSchedules.names as [string, ...string[]])
    .default('fast')
    .describe('how encoder and decoder are trained: see triggerlab ssba train --help'),
  width: z
    .number()
    .int()
    .min(1)
    .max(128)
    .optional()
    .describe("channels of the encoder's first layer; default: the schedule's"),
  steps: z.number().int().min(1).optional().describe("steps of that training, at most; default: the schedule's"),
  encoderSeed: z.number().int().min(0).default(0).describe("decides the encoder's training"),
});

export type SsbaParameters = z.infer<typeof ssbaParameters>;

/**
 * The line of the trigger registry. A triggered image is the encoder's output, held within [0, 255] and rounded to nearest. The
 * encoder belongs to the dataset's training images and to these parameters: `triggerlab ssba train` makes it.
 */
export const ssba: TriggerDefinition<SsbaParameters> = {
  name: 'ssba',
  title: 'SSBA: a secret hidden by a network, sample-specific',
  paper: 'Li, Li, Wu, Li, He, Lyu: Invisible Backdoor Attack with Sample-Specific Triggers, 2021',
  parameters: ssbaParameters,
  check: (_, shape) => checkSquare(shape),
  create,
};

/** What an encoder must be for these parameters. */
export function encoderChoice({ bits, width, steps, encoderSeed, schedule }: SsbaParameters) {
  return { bits, width, steps, seed: encoderSeed, schedule: ssbaSchedules.get(schedule) };
}

/** @throws TriggerlabError (input) when the encoder has not been trained, or its file is damaged. */
async function create(parameters: SsbaParameters, shape: ImageShape, context: TriggerContext): Promise<Trigger> {
  // Loaded here, as the engine below: those who only name triggers should not wait for datasets, networks and their files.
  const [{ findDataset }, { readEncoder }] = await Promise.all([
    import('../data/references.ts'),
    import('./ssba/encoder-files.ts'),
  ]);
  const dataset = await findDataset(context.dataset);
  const settings = settingsFor(dataset, encoderChoice(parameters));
  if (dataset.height !== shape.height || dataset.width !== shape.width || dataset.channels !== shape.channels) {
    throw inputError("ssba: the images are not the dataset's own, on which its encoder is trained", {
      hint: "Leave preprocessing's rewriting out, or give a folder of images that size: ./images.zip?size=64",
    });
  }
  const encoder = readEncoder(encoderKey(settings), settings.size);
  if (!encoder) {
    throw inputError(`ssba: no encoder has been trained for ${datasetLabel(context.dataset)} and these parameters`, {
      hint: `Train it first: ${trainCommand(context.dataset, parameters)}`,
    });
  }
  const [{ Codec }, { HiddenImages }] = await Promise.all([
    import('./ssba/codec.ts'),
    import('./ssba/hidden-images.ts'),
  ]);
  const codec = new Codec(context.runtime(), settings.size, encoder.parameters);
  const hidden = new HiddenImages(codec, encoder.hash, { mode: parameters.secret, seed: parameters.secretSeed });
  return { stampAt: 'native', shape, applyAll: (images) => hidden.hideIn(images) };
}

/** The command that trains the encoder of parameters. */
export function trainCommand(dataset: string, { bits, width, steps, encoderSeed, schedule }: SsbaParameters): string {
  const options = [
    ...(schedule === 'fast' ? [] : ['--schedule', schedule]),
    ...(width === undefined ? [] : ['--width', String(width)]),
    ...(steps === undefined ? [] : ['--steps', String(steps)]),
    ...(encoderSeed === 0 ? [] : ['--seed', String(encoderSeed)]),
  ];
  return ['triggerlab ssba train --dataset', `'${dataset}'`, '--bits', String(bits), ...options].join(' ');
}
