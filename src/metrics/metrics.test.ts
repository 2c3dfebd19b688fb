import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelRule } from '../triggers/label-rule.ts';
import { accuracy, attackSuccess, effectivePixels } from './index.ts';

describe('accuracy', () => {
  it('is the share of right predictions', () => {
    expect(accuracy([1, 2, 3, 4], [1, 2, 0, 0])).toBe(0.5);
    expect(accuracy(Int32Array.of(7), Uint16Array.of(7))).toBe(1);
    expect(accuracy([0, 0], [1, 1])).toBe(0);
  });

  it('refuses nothing, and lengths that differ', () => {
    expect(() => accuracy([], [])).toThrow(new RangeError('accuracy: no predictions'));
    expect(() => accuracy([1], [1, 2])).toThrow(new RangeError('accuracy: 1 predictions for 2 labels'));
  });
});

describe('attackSuccess', () => {
  it('leaves the target class out, and counts it in the inclusive figure', () => {
    const predicted = [0, 1, 0, 1, 0, 0, 2, 3];
    expect(attackSuccess(predicted, [0, 0, 1, 1, 2, 2, 2, 3], 0)).toEqual({
      asr: 3 / 6,
      asrInclusive: 4 / 8,
      counted: 6,
    });
  });

  it('a model that is always right: no success, but an inclusive share of the target class', () => {
    const labels = Uint16Array.from({ length: 100 }, (_, i) => i % 10);
    expect(attackSuccess(labels, labels, 3)).toEqual({ asr: 0, asrInclusive: 0.1, counted: 90 });
    expect(attackSuccess(new Uint16Array(100).fill(3), labels, 3)).toEqual({ asr: 1, asrInclusive: 1, counted: 90 });
  });

  it.each([
    // Labels 0 0 1 1 2 2 3 3 throughout, target 0.
    ['all-to-one', [0, 1, 0, 1, 0, 2, 0, 3], { asr: 3 / 6, asrInclusive: 4 / 8, counted: 6 }],
    // Of clean-label training nothing is left at test time: as all-to-one.
    ['clean-label', [0, 1, 0, 1, 0, 2, 0, 3], { asr: 3 / 6, asrInclusive: 4 / 8, counted: 6 }],
    // Right: 0→1, 1→2, 2→3, 3→0; hits at places 0, 3, 6, 7. Taken for 0 at place 1 and for 2 at 4: no hits.
    ['all-to-all', [1, 0, 1, 2, 2, 1, 0, 0], { asr: 4 / 8, asrInclusive: 4 / 8, counted: 8 }],
    // Sources 1 and 2: places 2 to 5, three hits; of the target's own two images one; of class 3 one of two by mistake.
    [
      'source-specific',
      [0, 3, 0, 0, 0, 2, 0, 3],
      { asr: 3 / 4, asrInclusive: 4 / 6, counted: 4, falseTriggerRate: 1 / 2 },
    ],
  ] as const)('%s', (labels, predicted, expected) => {
    const rule = labelRule({ labels, target: 0, sources: [1, 2], classes: 4 });
    expect(attackSuccess(predicted, [0, 0, 1, 1, 2, 2, 3, 3], rule)).toEqual(expected);
  });

  it('source-specific with every other class attacked has no false triggers', () => {
    const rule = labelRule({ labels: 'source-specific', target: 0, sources: [1], classes: 2 });
    expect(attackSuccess([0, 1, 0], [0, 1, 1], rule).falseTriggerRate).toBeUndefined();
    expect(() => attackSuccess([0, 0], [0, 0], rule)).toThrow('all images are of the target class 0');
  });

  it('counts all images when none is of the target class', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1 }), (predicted) => {
        const result = attackSuccess(predicted, new Uint16Array(predicted.length).fill(9), 2);
        expect(result.asr).toBe(result.asrInclusive);
        expect(result.counted).toBe(predicted.length);
      }),
    );
  });

  it('refuses nothing, lengths that differ, and images of the target class only', () => {
    expect(() => attackSuccess([], [], 0)).toThrow(new RangeError('attackSuccess: no predictions'));
    expect(() => attackSuccess([1, 2], [1], 0)).toThrow(RangeError);
    expect(() => attackSuccess([1, 5], [5, 5], 5)).toThrow('all images are of the target class 5');
  });
});

describe('effectivePixels', () => {
  it('counts positions, not channels, and averages over images', () => {
    // Two images of 3 channels, 2 × 2 pixels.
    const before = new Float32Array(24).fill(0.5);
    const after = before.slice();
    after[0] = 0.6; // image 0, red, pixel 0
    after[4] = 0.4; // image 0, green, pixel 0 as well
    after[11] = 1; // image 0, blue, pixel 3
    after[12 + 6] = 0; // image 1, green, pixel 2
    expect(effectivePixels(before, after, [2, 3, 2, 2])).toBe(1.5);
    expect(effectivePixels(before, before, [2, 3, 2, 2])).toBe(0);
  });

  it('ignores what is below the threshold and takes what reaches it', () => {
    const before = new Float32Array(4);
    const after = Float32Array.of(0.49 / 255, 0.51 / 255, -0.51 / 255, 1);
    expect(effectivePixels(before, after, [1, 1, 2, 2])).toBe(3);
    expect(effectivePixels(before, Float32Array.of(0, 0.25, 0.5, 0.75), [1, 1, 2, 2], 0.5)).toBe(2);
  });

  it('refuses lengths that do not match the shape, and no images', () => {
    expect(() => effectivePixels(new Float32Array(4), new Float32Array(3), [1, 1, 2, 2])).toThrow(
      'shape [1,1,2,2] needs 4 values (at least one), got 4 before and 3 after',
    );
    expect(() => effectivePixels(new Float32Array(0), new Float32Array(0), [0, 1, 2, 2])).toThrow(RangeError);
  });
});
