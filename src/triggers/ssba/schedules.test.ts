import { describe, expect, it } from 'vitest';
import { imageWeight, ssbaSchedules } from './schedules.ts';

describe('imageWeight', () => {
  it('light: grows from 0 to 10 in 3,000 steps, 1,000 after the accuracy first passed its mark', () => {
    const light = ssbaSchedules.get('light');
    expect(imageWeight(light, 40_000, undefined)).toBe(0);
    expect([500, 1500, 2000, 3000, 4500, 4501, 9000].map((step) => imageWeight(light, step, 500))).toEqual([
      0,
      0,
      10 * (500 / 3000),
      5,
      10,
      10,
      10,
    ]);
  });

  it('stegastamp: along step/15,000 from the start, but not in the first 1,500 steps', () => {
    const stegastamp = ssbaSchedules.get('stegastamp');
    expect([1, 1500, 1501, 7500, 15_000, 20_000].map((step) => imageWeight(stegastamp, step, undefined))).toEqual([
      0,
      0,
      2 * (1501 / 15_000),
      1,
      2,
      2,
    ]);
  });
});
