import { describe, expect, it } from 'vitest';
import { freezeCharts } from './charts.ts';
import { syntheticRun } from './synthetic-runs.fixture.ts';

/** SYNTHETIC: ASR that jumps where `at` is reached. */
function study(at: number, boundaries: readonly number[], more: { model?: string; dataset?: string } = {}) {
  return boundaries.flatMap((n) =>
    [0.08, 0.16].flatMap((size) =>
      [0.01, 0.1].flatMap((poisonRate) =>
        [0, 1].map((seed) => {
          const attack = { type: 'badnets', size, position: 'bottom-right', color: 'white' };
          const run = syntheticRun({ model: 'alexnet-mini', ...more, freeze: `from:${n}`, attack, poisonRate, seed });
          const asr = (n <= at ? 0.6 : 0.1) + 2 * size + 0.01 * seed;
          return { ...run, metrics: run.metrics && { ...run.metrics, asr } };
        }),
      ),
    ),
  );
}

describe('freezeCharts', () => {
  it('draws ASR and clean accuracy against the boundary, a line per size and rate, and says where the step is', async () => {
    const runs = [...study(8, [14, 10, 8, 2, 0]), ...study(10, [14, 10, 8, 2, 0], { dataset: 'shapes' })];
    const [chart, ...others] = freezeCharts(runs);
    expect(others).toEqual([]);
    expect(chart.title).toContain('model alexnet-mini');
    expect(chart.caption).toContain('Dotted: 10 classifier begins, 8 where the authors’ programs begin.');
    expect(chart.caption).toContain(
      'size 8 %, ε 1 %: the largest step of ASR is 50.0 points, from 10 to 8 (mnist10k).',
    );
    expect(chart.svg).toMatch(/^<svg [^>]*role="img"/);
    await expect(chart.svg).toMatchFileSnapshot('__snapshots__/freeze.svg');
    expect(freezeCharts([...runs].reverse())).toEqual([chart]);
  });

  it('has a figure per model, and none where the boundary was not moved', () => {
    const models = ['alexnet-mini', 'vgg-mini', 'never-heard-of'];
    const charts = freezeCharts(models.flatMap((model) => study(4, [8, 4, 0], { model })));
    expect(charts.map(({ name }) => name)).toEqual(
      ['alexnet-mini', 'never-heard-of', 'vgg-mini'].map((model) => `freeze-model-${model}`),
    );
    expect(freezeCharts(study(4, [8, 0]))).toEqual([]);
    expect(freezeCharts(study(4, [8, 4, 0]).map((run) => ({ ...run, spec: { ...run.spec, freeze: 'none' } })))).toEqual(
      [],
    );
  });
});
