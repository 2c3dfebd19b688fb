import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boxRank,
  isPointedAt,
  mapDistance,
  massShare,
  movedRegion,
  regionOf,
  relativeDistance,
} from './map-measures.ts';

const SIDE = 6;

/** A region of ones in a box. */
function box(top: number, left: number, height: number, width: number, side = SIDE) {
  const mask = new Uint8Array(side * side);
  for (let y = top; y < top + height; y++) mask.fill(1, y * side + left, y * side + left + width);
  return regionOf(mask, side);
}
/** A map that is `level` outside and given at some places. */
function mapOf(places: Readonly<Record<string, number>>, level = 0, side = SIDE): Float32Array {
  const map = new Float32Array(side * side).fill(level);
  for (const [place, value] of Object.entries(places)) {
    const [y, x] = place.split(',').map(Number);
    map[y * side + x] = value;
  }
  return map;
}

describe('regionOf', () => {
  it('finds the box', () => {
    expect(box(1, 2, 3, 2)).toMatchObject({ pixels: 6, top: 1, left: 2, bottom: 4, right: 4 });
    expect(regionOf(new Uint8Array(36), 6)).toMatchObject({ pixels: 0, top: 0, left: 0, bottom: 0, right: 0 });
    expect(() => regionOf(new Uint8Array(35), 6)).toThrow(RangeError);
  });

  it('moves, and refuses to leave the image', () => {
    expect(movedRegion(box(0, 0, 2, 3), 4, 3)).toEqual(box(4, 3, 2, 3));
    expect(() => movedRegion(box(0, 0, 2, 3), 5, 0)).toThrow(RangeError);
  });
});

describe('massShare', () => {
  it.each([
    ['all inside', mapOf({ '1,1': 2 }), 1],
    ['a quarter inside', mapOf({ '1,1': 1, '5,5': 3 }), 0.25],
    ['even: the share of the area', mapOf({}, 1), 4 / 36],
    ['nothing anywhere', mapOf({}), undefined],
  ])('%s', (_, map, share) => {
    expect(massShare(map, box(1, 1, 2, 2))).toBe(share);
  });

  it('of a region and the rest sum to 1', () => {
    const values = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 36, maxLength: 36 });
    fc.assert(
      fc.property(values, fc.uint8Array({ minLength: 36, maxLength: 36, max: 1 }), (given, mask) => {
        const map = Float32Array.from(given);
        fc.pre(map.some((value) => value > 0));
        const rest = regionOf(
          mask.map((inside) => 1 - inside),
          SIDE,
        );
        expect((massShare(map, regionOf(mask, SIDE)) ?? 0) + (massShare(map, rest) ?? 0)).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('isPointedAt', () => {
  it('asks where the peak is', () => {
    expect(isPointedAt(mapOf({ '2,2': 1, '5,5': 0.9 }), box(1, 1, 2, 2))).toBe(true);
    expect(isPointedAt(mapOf({ '2,3': 1 }), box(1, 1, 2, 2))).toBe(false);
    expect(isPointedAt(mapOf({}), box(1, 1, 2, 2))).toBeUndefined();
  });
});

describe('boxRank', () => {
  it('is 1 at the hottest place, 0 at the coldest, one half where all are alike', () => {
    const map = mapOf({ '0,0': 1, '0,1': 1, '1,0': 1, '1,1': 1, '5,5': -0 });
    expect(boxRank(map, box(0, 0, 2, 2))).toBe(1);
    expect(boxRank(mapOf({ '3,3': 0 }, 1), box(2, 2, 3, 3))).toBeLessThan(0.5);
    expect(boxRank(mapOf({}, 0.3), box(2, 2, 2, 2))).toBe(0.5);
    expect(boxRank(mapOf({}), box(2, 2, 2, 2))).toBeUndefined();
    expect(boxRank(mapOf({}, 1), box(0, 0, 6, 6))).toBeUndefined();
  });

  it('is one half on average over all places', () => {
    const values = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 36, maxLength: 36 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (given, height, width) => {
        const map = Float32Array.from(given);
        fc.pre(map.some((value) => value > 0));
        const ranks: number[] = [];
        for (let y = 0; y + height <= SIDE; y++)
          for (let x = 0; x + width <= SIDE; x++) ranks.push(boxRank(map, box(y, x, height, width)) ?? Number.NaN);
        expect(ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length).toBeCloseTo(0.5, 6);
      }),
    );
  });
});

it('mapDistance is the mean absolute difference', () => {
  expect(mapDistance(mapOf({ '0,0': 1 }), mapOf({ '5,5': 1 }))).toBeCloseTo(2 / 36, 7);
  expect(mapDistance(mapOf({}, 0.5), mapOf({}, 0.5))).toBe(0);
});

it('relativeDistance is in units of the second', () => {
  expect(relativeDistance(Float32Array.of(3, 0, 4), Float32Array.of(0, 0, 10))).toBeCloseTo(Math.sqrt(45) / 10, 9);
  expect(relativeDistance(Float32Array.of(1), Float32Array.of(0))).toBeUndefined();
});
