import { describe, expect, it } from 'vitest';
import { LABEL_RULES, labelRule } from './label-rule.ts';

const classes = 4;
const every = [0, 1, 2, 3];
const table = (options: Partial<Parameters<typeof labelRule>[0]>) => {
  const rule = labelRule({ target: 2, classes, ...options });
  return { poisons: every.filter((label) => rule.poisons(label)), goals: every.map((label) => rule.goal(label)) };
};

describe('labelRule', () => {
  it.each([
    [{}, { poisons: every, goals: [2, 2, 2, 2] }],
    [{ labels: 'all-to-one' }, { poisons: every, goals: [2, 2, 2, 2] }],
    [{ labels: 'all-to-all' }, { poisons: every, goals: [1, 2, 3, 0] }],
    [{ labels: 'clean-label' }, { poisons: [2], goals: [2, 2, 2, 2] }],
    [
      { labels: 'source-specific', sources: [1] },
      { poisons: [1], goals: [undefined, 2, 2, undefined] },
    ],
    [
      { labels: 'source-specific', sources: [0, 3] },
      { poisons: [0, 3], goals: [2, undefined, 2, 2] },
    ],
  ] as const)('%j', (options, expected) => {
    expect(table(options)).toEqual(expected);
  });

  it('gives poisoned images their goal, which under clean-label is the label they have', () => {
    for (const labels of LABEL_RULES) {
      const rule = labelRule({ labels, target: 2, sources: [0], classes });
      for (const label of every.filter((own) => rule.poisons(own))) expect(rule.goal(label)).toBeDefined();
    }
    expect(labelRule({ labels: 'clean-label', target: 2, classes }).goal(2)).toBe(2);
  });

  it.each([
    [undefined, 'labels: source-specific needs sources'],
    [[], 'labels: source-specific needs sources'],
    [[1, 4], 'sources: class 4 does not exist: the classes are 0 to 3'],
    [[1, 2], 'sources: class 2 is the target itself'],
  ])('refuses the sources %j', (sources, message) => {
    expect(() => labelRule({ labels: 'source-specific', target: 2, sources, classes })).toThrow(
      expect.objectContaining({ kind: 'input', message: expect.stringContaining(message) }),
    );
  });
});
