// Colours of trigger patterns: named, #rrggbb or three numbers, always kept in one spelling.
import { z } from 'zod';

export type Rgb = readonly [number, number, number];

/** The colours with names: those of the SoK's experiments. */
export const NAMED_COLORS: Readonly<Record<string, Rgb>> = {
  black: [0, 0, 0],
  white: [255, 255, 255],
  green: [102, 179, 92],
};

const EXPECTED = `expected ${Object.keys(NAMED_COLORS).join(', ')}, "#rrggbb" (in quotes) or [r, g, b] with 0 to 255 each`;
const level = z.int().min(0).max(255);

/**
 * A colour as a spec may give it. What comes out is the colour's name, or `#rrggbb` in lower case where it has none, so
 * that equal colours are equal parameters.
 */
export const colorSchema = z
  .union(
    [
      z.enum(Object.keys(NAMED_COLORS)),
      z.string().regex(/^#[0-9a-fA-F]{6}$/, { error: EXPECTED }),
      z.tuple([level, level, level]),
    ],
    { error: EXPECTED },
  )
  .transform((color) => canonicalColor(typeof color === 'string' ? rgbOf(color) : color));

function canonicalColor(rgb: Rgb): string {
  const named = Object.entries(NAMED_COLORS).find(([, other]) => other.every((level, c) => level === rgb[c]));
  return named?.[0] ?? `#${rgb.map((level) => level.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * Levels in [0, 255] of a named colour or `#rrggbb`.
 * @throws RangeError for anything else.
 */
export function rgbOf(color: string): Rgb {
  if (Object.hasOwn(NAMED_COLORS, color)) return NAMED_COLORS[color];
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (!hex) throw new RangeError(`rgbOf: "${color}" is no colour`);
  return [Number.parseInt(hex[1], 16), Number.parseInt(hex[2], 16), Number.parseInt(hex[3], 16)];
}

/** What a colour is on a grey image: its luma after ITU-R BT.601, 0.299 r + 0.587 g + 0.114 b, rounded to nearest. */
export function lumaOf([r, g, b]: Rgb): number {
  // In thousandths, so that no rounding error of the products moves a result.
  return Math.floor((299 * r + 587 * g + 114 * b + 500) / 1000);
}
