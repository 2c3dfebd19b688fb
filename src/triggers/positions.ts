// Where a patch lies in an image: five named places, an exact one, or a random one per image.
import { z } from 'zod';
import { inputError } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import type { Box } from './trigger.ts';

const NAMES = ['top-left', 'top-right', 'middle', 'bottom-left', 'bottom-right', 'random'] as const;

/** A position as a spec gives it; exact coordinates are those of the patch's upper left pixel, counted from 0. */
export const positionSchema = z.union([z.enum(NAMES), z.strictObject({ top: z.int().min(0), left: z.int().min(0) })], {
  error: `expected ${NAMES.join(', ')} or exact pixels such as {top: 3, left: 3}`,
});

export type Position = z.infer<typeof positionSchema>;

/** The position with rows and columns exchanged: top-right is bottom-left then. */
export function swapAxes(position: Position): Position {
  if (typeof position === 'object') return { top: position.left, left: position.top };
  const other = { 'top-right': 'bottom-left', 'bottom-left': 'top-right' } as const;
  return position in other ? other[position as keyof typeof other] : position;
}

/**
 * The places of a patch in an image, as a function of the image's random stream (which only `random`
 * draws from: top first, then left, every place that fits equally likely).
 * @throws TriggerlabError (input) when the patch does not fit.
 */
export function placement(
  position: Position,
  patch: { readonly height: number; readonly width: number },
  image: { readonly height: number; readonly width: number },
): (rng: Rng) => Box {
  const { height, width } = patch;
  const bottom = image.height - height;
  const right = image.width - width;
  const size = `a patch of ${height} × ${width} pixels`;
  const shape = `an image of ${image.height} × ${image.width} (height × width)`;
  if (bottom < 0 || right < 0) throw inputError(`${size} does not fit into ${shape}`, { hint: 'Make it smaller.' });
  if (position === 'random') return (rng) => corner(rng.int(0, bottom), rng.int(0, right));
  const fixed = typeof position === 'string' ? named(position) : corner(position.top, position.left);
  if (fixed.top > bottom || fixed.left > right) {
    throw inputError(`${size} at top ${fixed.top}, left ${fixed.left} does not fit into ${shape}`, {
      hint: `top can be 0 to ${bottom}, left 0 to ${right}.`,
    });
  }
  return () => fixed;

  function corner(top: number, left: number): Box {
    return { top, left, height, width };
  }

  function named(name: Exclude<Position, object | 'random'>): Box {
    if (name === 'middle') return corner(Math.floor(bottom / 2), Math.floor(right / 2));
    return corner(name.startsWith('top') ? 0 : bottom, name.endsWith('left') ? 0 : right);
  }
}
