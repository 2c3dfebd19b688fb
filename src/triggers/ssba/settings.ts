// Everything that decides an encoder and its decoder, and the hash under which they are kept.
import { inputError } from '../../core/errors.ts';
import { canonicalJson, sha256Hex } from '../../core/hash.ts';
import type { ImageShape } from '../../core/images.ts';
import type { StegastampSize } from '../../models/stegastamp.ts';
import type { SsbaSchedule } from './schedules.ts';

/** Raised whenever the same settings begin to give other encoders. */
const VERSION = 1;

export interface SsbaSettings {
  /** Names the exact training images: see DatasetDefinition. */
  readonly datasetFingerprint: string;
  readonly size: StegastampSize;
  readonly schedule: SsbaSchedule;
  /** Decides initialisation, the images and secrets of every step, and which training images are held out. */
  readonly seed: number;
}

/** 20 hexadecimal digits, the same for equal settings. What a schedule is called does not count. */
export function encoderKey({ datasetFingerprint, size, schedule, seed }: SsbaSettings): string {
  const { name, title, width: usual, ...method } = schedule;
  const { image, bits, width, decoderWidth } = size;
  const shape = { height: image.height, width: image.width, channels: image.channels };
  const identity = { v: VERSION, datasetFingerprint, shape, bits, width, decoderWidth, method, seed };
  return sha256Hex(canonicalJson(identity)).slice(0, 20);
}

/** What may be chosen of an encoder for a given dataset. */
export interface EncoderChoice {
  readonly bits: number;
  /** Default: the schedule's. */
  readonly width?: number | undefined;
  readonly seed: number;
  readonly schedule: SsbaSchedule;
  /** Training steps, at most. Default: the schedule's. */
  readonly steps?: number | undefined;
}

/**
 * The settings of a choice for a dataset's images. The decoder, a small part of the work, always has its published width.
 * @throws TriggerlabError (input) when the images are no squares.
 */
export function settingsFor(
  dataset: ImageShape & { readonly fingerprint: string },
  { bits, seed, schedule, width = schedule.width, steps = schedule.steps }: EncoderChoice,
): SsbaSettings {
  const image = { height: dataset.height, width: dataset.width, channels: dataset.channels };
  checkSquare(image);
  const size = { image, bits, width, decoderWidth: 32 };
  return { datasetFingerprint: dataset.fingerprint, size, schedule: { ...schedule, steps }, seed };
}

/** @throws TriggerlabError (input) unless SSBA can hide secrets in images of this shape. */
export function checkSquare({ height, width }: ImageShape): void {
  if (height !== width || height < 8) {
    throw inputError(`ssba hides secrets in square images of 8 pixels and more, these are ${width} × ${height}`, {
      hint: 'Give the dataset a size: ./images.zip?size=32',
    });
  }
}
