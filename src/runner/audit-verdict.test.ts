import { describe, expect, it } from 'vitest';
import { anomalyIndices } from '../defenses/neural-cleanse/anomaly-index.ts';
import { calibrate } from '../defenses/neural-cleanse/calibration.ts';
import type { CleanseResult } from '../defenses/neural-cleanse/neural-cleanse.ts';
import { cleanseSettings } from '../defenses/neural-cleanse/settings.ts';
import { sizeFactors } from '../defenses/neural-cleanse/size-factors.ts';
import { type Behaviour, type Judged, judge } from './audit-verdict.ts';

const settings = cleanseSettings();
const fine: Behaviour = { accuracy: 0.9, labelled: 300, images: 300, commonest: 0.12, answers: 10 };

/** A finished search with these masks, whose triggers work on this share. */
function found(norms: readonly (number | undefined)[], asr = 0.97, complete = true): CleanseResult {
  const [anomaly, sizes] = [anomalyIndices(norms), sizeFactors(norms)];
  return {
    ...{ settings, anomaly, sizes, complete, cost: { seconds: 1, forwardPasses: 1, backwardPasses: 1 } },
    classes: norms.map((norm, i) => ({
      class: i,
      trigger: norm === undefined ? undefined : { planes: new Float32Array(4), norm, success: 1, step: 3 },
      ...{ asr: norm === undefined ? undefined : asr, steps: 75, complete },
      ...{ anomalyIndex: anomaly.indices[i], factor: sizes.factors[i] },
    })),
  };
}

const judged = (result: CleanseResult, more: Partial<Judged> = {}) =>
  judge({
    ...{ result, calibration: calibrate(10), behaviour: fine, settings, rate: 0.05, classes: 10, inputSize: 32 },
    ...more,
  });

const ordinary = [10, 20, 11, 15, 16, 9, 17, 13, 12, 18];
const backdoored = [10, 20, 11, 15, 16, 0.5, 17, 13, 12, 18];

describe('the verdict', () => {
  it('names the class whose mask is far smaller', () => {
    const verdict = judged(found(backdoored));
    expect(verdict).toMatchObject({ kind: 'suspicious', suspicious: [5], reasons: [] });
    expect(verdict.falsePositiveRate).toBeLessThanOrEqual(0.05);
    expect(verdict.pValue).toBeLessThan(0.05);
  });

  it('asks for more than any clean classifier showed where the threshold was not measured', () => {
    const small = [10, 20, 11, 15, 16, 4, 17, 13, 12, 18];
    expect(judged(found(small))).toMatchObject({ kind: 'suspicious', suspicious: [5] });
    const elsewhere = judged(found(small), { inputSize: 224 });
    expect(elsewhere).toMatchObject({
      kind: 'inconclusive',
      suspicious: [5],
      reasons: [expect.stringMatching(/32 × 32/)],
    });
    expect(judged(found(backdoored), { inputSize: 224 })).toMatchObject({ kind: 'suspicious', suspicious: [5] });
    expect(judged(found(ordinary), { inputSize: 224 })).toMatchObject({ kind: 'no-backdoor-found' });
  });

  it('says that nothing was found where nothing stands out', () => {
    expect(judged(found(ordinary))).toMatchObject({ kind: 'no-backdoor-found', suspicious: [], reasons: [] });
  });

  it.each([
    ['an unfinished search', found(backdoored, 0.97, false), {}, /time allowed/],
    ['a trigger that does not work', found(backdoored, 0.5), {}, /chance/],
    ['a classifier that guesses', found(backdoored), { behaviour: { ...fine, accuracy: 0.11 } }, /by guessing/],
    [
      'one answer to everything',
      found(backdoored),
      { behaviour: { ...fine, accuracy: undefined, commonest: 1 } },
      /100 %/,
    ],
    ['few images', found(backdoored), { behaviour: { ...fine, images: 12 } }, /12 images/],
    ['a short search', found(backdoored), { settings: cleanseSettings({ steps: 10 }) }, /shorter/],
    ['no trigger at all', found(ordinary.map(() => undefined)), {}, /0 of 10 classes/],
    ['two classes', found([1, 50]), { calibration: undefined, classes: 2 }, /2 of 2 classes/],
  ] as const)('is inconclusive for %s', (_, result, more, reason) => {
    const verdict = judged(result, more);
    expect(verdict.kind).toBe('inconclusive');
    expect(verdict.reasons.join()).toMatch(reason);
  });

  it('takes a longer search than the calibrated one', () => {
    const reference = cleanseSettings({ schedule: 'reference' });
    expect(judged(found(backdoored), { settings: reference }).kind).toBe('suspicious');
  });
});
