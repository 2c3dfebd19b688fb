// Parameters that several triggers have, so that they mean the same everywhere.
import { z } from 'zod';

export const sizeField = z.number().gt(0).max(1);

export const roundingField = z
  .enum(['round', 'floor'])
  .default('round')
  .describe(
    'how the side in pixels becomes a whole number: to the nearest (halves up) or down; at least 1 in any case',
  );

export const stampAtField = z
  .enum(['native', 'input'])
  .default('native')
  .describe(
    "whether the trigger is stamped on the dataset's own pixels or after the preprocessing, at the model's input size",
  );

/** `share` says what the number is a share of. */
export function opacityField(share: string, fallback: number) {
  return z.number().gt(0).max(1).default(fallback).describe(`${share}, above 0 and up to 1`);
}

export const patternSeedField = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
  .default(0)
  .describe('which random pattern it is: a whole number; the same for every run and image');

/** A whole number of pixels, at least 1. */
export function wholePixels(pixels: number, rounding: 'round' | 'floor'): number {
  return Math.max(1, rounding === 'floor' ? Math.floor(pixels) : Math.round(pixels));
}
