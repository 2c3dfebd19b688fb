import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { placement, positionSchema } from './positions.ts';

const WIDE = { height: 10, width: 20 };
const square = (side: number) => ({ height: side, width: side });

describe('placement', () => {
  it.each([
    ['top-left', 0, 0],
    ['top-right', 0, 17],
    ['middle', 3, 8],
    ['bottom-left', 7, 0],
    ['bottom-right', 7, 17],
    [{ top: 7, left: 17 }, 7, 17],
    [{ top: 2, left: 5 }, 2, 5],
  ] as const)('puts a patch of 3 × 3 at %j of 10 × 20 (height × width)', (position, top, left) => {
    expect(placement(position, square(3), WIDE)(Rng.of(0))).toEqual({ top, left, height: 3, width: 3 });
  });

  it('random: always inside, the same for the same stream, every place reached', () => {
    const box = placement('random', square(8), WIDE);
    const seen = new Set<string>();
    for (let i = 0; i < 1000; i++) {
      const { top, left } = box(Rng.of(1, i));
      expect(box(Rng.of(1, i))).toEqual({ top, left, height: 8, width: 8 });
      expect(top >= 0 && top <= 2 && left >= 0 && left <= 12).toBe(true);
      seen.add(`${top},${left}`);
    }
    expect(seen.size).toBe(3 * 13);
  });

  it('keeps every place inside, for every size that fits', () => {
    const side = fc.integer({ min: 1, max: 64 });
    const name = fc.constantFrom('top-left', 'top-right', 'middle', 'bottom-left', 'bottom-right', 'random' as const);
    fc.assert(
      fc.property(side, side, side, name, (height, width, patch, position) => {
        fc.pre(patch <= Math.min(height, width));
        const box = placement(positionSchema.parse(position), square(patch), { height, width })(Rng.of(3));
        expect(box.top >= 0 && box.top + box.height <= height).toBe(true);
        expect(box.left >= 0 && box.left + box.width <= width).toBe(true);
      }),
    );
  });

  it('refuses exact places outside with the range allowed', () => {
    for (const position of [
      { top: 8, left: 0 },
      { top: 0, left: 18 },
    ]) {
      expect(() => placement(position, square(3), WIDE)).toThrow(
        expect.objectContaining({
          kind: 'input',
          message: `a patch of 3 × 3 pixels at top ${position.top}, left ${position.left} does not fit into an image of 10 × 20 (height × width)`,
          hint: 'top can be 0 to 7, left 0 to 17.',
        }),
      );
    }
  });

  it('patches need not be square', () => {
    const flat = { height: 2, width: 9 };
    expect(placement('bottom-right', flat, WIDE)(Rng.of(0))).toEqual({ top: 8, left: 11, ...flat });
    expect(placement('middle', flat, WIDE)(Rng.of(0))).toEqual({ top: 4, left: 5, ...flat });
  });

  it('refuses a patch larger than the image', () => {
    expect(() => placement('random', square(11), WIDE)).toThrow(expect.objectContaining({ kind: 'input' }));
  });
});

describe('positionSchema', () => {
  it.each(['centre', '', { top: 1 }, { top: 0.5, left: 0 }, null])('refuses %j', (given) => {
    expect(positionSchema.safeParse(given).error?.issues[0].message).toBe(
      'expected top-left, top-right, middle, bottom-left, bottom-right, random or exact pixels such as {top: 3, left: 3}',
    );
  });

  it('names the coordinate that is negative, and unknown keys', () => {
    expect(positionSchema.safeParse({ top: -1, left: 0 }).error?.issues).toMatchObject([{ path: ['top'] }]);
    const extra = positionSchema.safeParse({ top: 0, left: 0, right: 1 }).error?.issues;
    expect(extra).toMatchObject([{ code: 'unrecognized_keys', keys: ['right'] }]);
  });
});
