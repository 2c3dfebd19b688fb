import { describe, expect, it } from 'vitest';
import { calibrate, exceeding, isCalibrated, pValue, thresholdAt } from './calibration.ts';
import { nullDistribution } from './null-distribution.ts';
import { cleanseSettings } from './settings.ts';

describe('calibration', () => {
  const hundred = { scores: Array.from({ length: 100 }, (_, i) => i / 10) };

  it('gives a threshold that no more than the rate exceed', () => {
    expect(thresholdAt(hundred, 0.05)).toBe(9.4);
    expect(exceeding(hundred, thresholdAt(hundred, 0.05))).toBe(5);
    expect(exceeding(hundred, thresholdAt(hundred, 0))).toBe(0);
    expect(thresholdAt({ scores: [] }, 0.05)).toBe(Number.POSITIVE_INFINITY);
  });

  it('never claims a chance of 0', () => {
    expect(pValue(hundred, 1000)).toBeCloseTo(1 / 101, 12);
    expect(pValue(hundred, 0)).toBe(1);
    expect(pValue(hundred, 9.9)).toBeCloseTo(2 / 101, 12);
  });

  it('is measured for ten classes on at least a hundred clean classifiers', () => {
    const measured = calibrate(10);
    expect(measured.kind).toBe('measured');
    expect(measured.models).toBeGreaterThanOrEqual(100);
    expect(measured.scores).toEqual([...measured.scores].sort((a, b) => a - b));
    expect(nullDistribution.norms.every((own) => own.length === 10)).toBe(true);
    expect(isCalibrated(cleanseSettings())).toBe(true);
    expect(isCalibrated(cleanseSettings({ steps: 20 }))).toBe(false);
  });

  it('draws for other numbers of classes, the same every time; ten drawn are like ten measured', () => {
    const five = calibrate(5);
    expect(five.kind).toBe('resampled');
    expect(calibrate(5)).toEqual(five);
    const { norms } = nullDistribution;
    const eleven = { ...nullDistribution, norms: [...norms.map((own) => [...own, own[0]])] };
    const drawn = calibrate(10, eleven);
    expect(drawn.kind).toBe('resampled');
    const share = (of: { scores: readonly number[] }) => exceeding(of, 2) / of.scores.length;
    expect(Math.abs(share(drawn) - share(calibrate(10)))).toBeLessThan(0.15);
  });
});
