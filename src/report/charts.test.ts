import { describe, expect, it } from 'vitest';
import { asrCharts, cadChart } from './charts.ts';
import { syntheticExperiment, syntheticFailure, syntheticRun } from './synthetic-runs.fixture.ts';

describe('asrCharts', () => {
  it('draws one line per model in a panel per size and position', async () => {
    const charts = asrCharts(syntheticExperiment({ sizes: [0.08, 0.16], positions: ['bottom-right', 'middle'] }));
    expect(charts).toHaveLength(1);
    expect(charts[0].name).toBe('asr');
    expect(charts[0].caption).toMatch(/standard deviation over seeds.*natural ASR/s);
    await expect(charts[0].svg).toMatchFileSnapshot('__snapshots__/asr.svg');
  });

  it('tells colours apart by dashes and splits charts by everything else that varies', () => {
    const colors = ['white', [102, 179, 92]];
    const [chart] = asrCharts(syntheticExperiment({ models: ['resnet-mini'], colors, seeds: [1] }));
    expect(chart.svg).toContain('rgb(102, 179, 92)');
    expect(chart.svg).toContain('stroke-dasharray="6 4"');
    expect(chart.caption).toContain('Wilson');
    const attack = { type: 'badnets', size: 0.08, position: 'middle', color: 'white' };
    const two = ['paper', 'none'].map((freeze) => syntheticRun({ freeze, attack, poisonRate: 0.01 }));
    expect(asrCharts(two).map((one) => one.name)).toEqual(['asr-freeze-none-1', 'asr-freeze-paper-2']);
  });

  it('is the same whatever the order of the runs', () => {
    const runs = syntheticExperiment();
    const reversed = asrCharts([...runs].reverse());
    expect(reversed).toEqual(asrCharts(runs));
  });

  it('escapes names and has words for those who cannot see it', () => {
    const attack = { type: 'badnets', size: 0.08, position: '<script>alert(1)</script>', color: 'white' };
    const runs = ['"><img src=x onerror=alert(1)>', 'b'].map((model) =>
      syntheticRun({ model, attack, poisonRate: 0.01 }),
    );
    const [chart] = asrCharts(runs);
    expect(chart.svg).not.toMatch(/<(script|img)/);
    expect(chart.svg).toMatch(/^<svg [^>]*role="img"/);
    expect(chart.svg).toContain('<title>Attack success rate against poisoning rate</title>');
    expect(chart.svg).toMatch(/aria-label="[^"]*highest at/);
  });

  it('draws nothing when there is nothing', () => {
    expect(asrCharts([])).toEqual([]);
    expect(asrCharts([syntheticRun(), syntheticFailure('out of memory')])).toEqual([]);
    expect(cadChart([syntheticRun()])).toBeUndefined();
  });
});

describe('cadChart', () => {
  it('has a row per setting', async () => {
    const chart = cadChart(syntheticExperiment({ sizes: [0.08] }));
    await expect(chart?.svg).toMatchFileSnapshot('__snapshots__/clean-accuracy-drop.svg');
    expect(chart?.svg).toContain('4 settings');
  });
});
