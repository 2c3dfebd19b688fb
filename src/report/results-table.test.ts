import { describe, expect, it } from 'vitest';
import { resultsCsv, resultsTable, resultsText } from './results-table.ts';
import { syntheticExperiment, syntheticFailure, syntheticRun } from './synthetic-runs.fixture.ts';

const attack = { type: 'badnets', size: 0.08, position: 'middle', color: 'white' };

describe('resultsTable', () => {
  it('has a row per setting, the rest in the caption, and counts what is not in it', () => {
    const runs = [
      ...syntheticExperiment({ sizes: [0.08], positions: ['middle'], seeds: [1, 2, 3] }),
      syntheticFailure('out of memory', { seed: 4 }),
      syntheticRun({ seed: 5 }, { status: 'skipped', metrics: null, error: 'its clean twin failed' }),
    ];
    const table = resultsTable(runs);
    expect(table.columns.slice(0, 3).map((column) => column.name)).toEqual(['model', 'attack', 'poisonRate']);
    expect(table.rows).toHaveLength(6);
    expect(table.rows.every((row) => row.group.n === 3 && row.cells.length === table.columns.length)).toBe(true);
    expect(table.caption).toMatch(/^dataset mnist10k, .*size 8 %, position middle.*, seeds 1–5$/);
    expect(table.footer).toEqual([
      '± is the sample standard deviation over seeds.',
      '20 runs: 18 done, 1 failed, 1 skipped.',
    ]);
  });

  it('says how visible triggers are when asked, where that was measured', () => {
    const stealth = { stealthImages: 100, stealthLinf: 255, stealthL2: 881.4, stealthPsnr: null, stealthSsim: 0.98765 };
    const run = syntheticRun({ attack, poisonRate: 0.01 });
    const measured = { ...run, metrics: { ...run.metrics, ...stealth } } as typeof run;
    const shown = (runs: (typeof run)[], asked: boolean) => {
      const table = resultsTable(runs, { stealth: asked });
      const from = table.columns.findIndex(({ name }) => name === 'effectivePixels') + 1;
      return table.columns.slice(from).map(({ title }, i) => `${title} ${table.rows[0].cells[from + i].text}`);
    };
    const expected = ['L∞ 255.0', 'L2 881', 'PSNR dB –', 'SSIM 0.988', 'feature distance –'];
    expect(shown([measured], true)).toEqual(expected);
    expect(shown([measured], false)).toEqual([]);
    expect(shown([run], true)).toEqual([]);
  });

  it('gives every share its uncertainty', () => {
    const one = [syntheticRun(), syntheticRun({ attack, poisonRate: 0.01 })];
    const two = [...one, syntheticRun({ attack, poisonRate: 0.01, seed: 2 })];
    const asrOf = (runs: typeof one) => {
      const table = resultsTable(runs);
      return table.rows[1].cells[table.columns.findIndex((column) => column.name === 'asr')].text;
    };
    expect(asrOf(one)).toMatch(/^\d+\.\d \[\d+\.\d, \d+\.\d\]$/);
    expect(asrOf(two)).toMatch(/^\d+\.\d ± \d+\.\d$/);
  });

  it('says so when nothing is done', () => {
    const table = resultsTable([syntheticFailure('out of memory')]);
    expect(table.rows).toEqual([]);
    expect(resultsText(table)).toContain('1 run: 0 done, 1 failed.');
    expect(resultsText(resultsTable([]))).toBe('0 runs: 0 done.');
  });
});

describe('renderings', () => {
  it('prints for a terminal', () => {
    const lines = resultsText(resultsTable([syntheticRun(), syntheticRun({ attack, poisonRate: 0.01 })])).split('\n');
    expect(lines[0]).toContain('dataset mnist10k');
    expect(lines[2]).toMatch(/^attack +clean acc\. % +CAD % +ASR % +natural ASR % +n +eff\. pixels$/);
    expect(lines[4]).toMatch(/^none /);
    expect(lines.some((line) => line !== line.trimEnd())).toBe(false);
  });

  it('writes CSV that programs can read to the last digit and spreadsheets cannot mistake for formulas', () => {
    const runs = ['=cmd|"x"', 'plain, with comma'].map((model) => syntheticRun({ model, attack, poisonRate: 0.01 }));
    const [header, ...rows] = resultsCsv(resultsTable(runs)).trimEnd().split(/\r?\n/);
    expect(header).toMatch(
      /^model,cleanAccuracy,cleanAccuracySd,cleanAccuracyLow,cleanAccuracyHigh,cleanAccuracyBounds,cad,/,
    );
    expect(rows[0].startsWith('"\'=cmd|""x"""')).toBe(true);
    expect(rows[1].startsWith('"plain, with comma"')).toBe(true);
    expect(rows[0]).toContain(`,${runs[0].metrics?.asr},,`);
  });
});
