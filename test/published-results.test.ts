// The SoK authors' published CSV files, where they are at hand: imported through the command line, held against pandas.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registerAnalyze } from '../src/cli/analyze.ts';
import { registerImport } from '../src/cli/import.ts';
import { runProgram } from '../src/cli/program.ts';
import { registerResults } from '../src/cli/results.ts';

const RESULTS = resolve(import.meta.dirname, '../../shared/paper/author-results');
const present = existsSync(RESULTS);
if (!present) console.warn(`skipped: the authors' results are not at ${RESULTS}`);

interface Known {
  ssbaCifar10: [string, number, number, number, number][];
  wanetCifar10: [string, number, number, number][];
  anova: Record<string, [number, number, number | null]>;
  asrEqualsAccuracy: { ssba: number; wanet: number };
  nearChance: number;
  trainAccuracyAboveOne: number;
  rows: { ssba: number; wanet: number };
}
const known = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/analysis/sok.json'), 'utf8')) as Known;
const NAMES: Record<string, string> = { vgg: 'vgg19_bn', resnet: 'resnet152' };

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'triggerlab-published-'));
});
afterAll(() => rm(directory, { recursive: true }));

function files(attack: string): string[] {
  return readdirSync(join(RESULTS, attack)).map((seed) => join(RESULTS, attack, seed, 'results.csv'));
}

/** The command line in this process: starting one for every command takes seconds. */
async function triggerlab(...args: string[]) {
  let [stdout, stderr] = ['', ''];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text;
    return true;
  });
  const store = args.includes('--store') ? [] : ['--store', join(directory, 'store')];
  try {
    const code = await runProgram([registerImport, registerAnalyze, registerResults], [...args, ...store]);
    return { code, stdout, stderr };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

async function json(...args: string[]) {
  const { code, stdout, stderr } = await triggerlab(...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

interface Row {
  values: { dataset: string; model: string; poisonRate: number; asr: number };
  faults: string[];
}

/** Mean ASR of the usable rows on CIFAR10 by model and ε. */
function means(runs: readonly Row[]): Map<string, number> {
  const groups = new Map<string, number[]>();
  for (const { values, faults } of runs) {
    if (values.dataset !== 'CIFAR10' || faults.some((fault) => fault !== 'share-above-one')) continue;
    const key = `${values.model} ${values.poisonRate}`;
    groups.set(key, [...(groups.get(key) ?? []), values.asr]);
  }
  return new Map([...groups].map(([key, list]) => [key, list.reduce((sum, one) => sum + one, 0) / list.length]));
}

describe.runIf(present)('the SoK authors’ results', () => {
  it('SSBA: import, faults, ASR by model × ε, and its attribution', async () => {
    const found = await json('import', ...files('SSBA'), '--as', 'ssba');
    expect(found.rows).toBe(known.rows.ssba);
    const count = (code: string) => found.faults.find((fault: { code: string }) => fault.code === code)?.rows;
    expect(count('asr-equals-accuracy')).toBe(known.asrEqualsAccuracy.ssba);
    expect(count('share-above-one')).toBe(known.trainAccuracyAboveOne);
    const ours = means(found.runs);
    expect(ours.size).toBe(known.ssbaCifar10.length);
    for (const [model, rate, mean] of known.ssbaCifar10) {
      expect(ours.get(`${NAMES[model] ?? model} ${rate}`)).toBeCloseTo(mean, 12);
    }

    const { attributions, unusable } = await json('analyze', '--external', 'ssba');
    expect(unusable).toBe(80);
    const { asr } = attributions[0];
    const statsmodels = { model: 'C(model)', poisonRate: 'C(epsilon)', 'model:poisonRate': 'C(model):C(epsilon)' };
    for (const [term, theirs] of Object.entries(statsmodels)) {
      const own = asr.terms.find((one: { factors: string[] }) => one.factors.join(':') === term);
      const [df, sumSq, f] = known.anova[theirs];
      expect(own.df).toBe(df);
      expect(own.sumSq).toBeCloseTo(sumSq, 8);
      expect(own.f).toBeCloseTo(f ?? Number.NaN, 6);
      expect(own.omegaSquared.interval.low).toBeLessThan(own.omegaSquared.value);
      expect(own.omegaSquared.interval.high).toBeGreaterThan(own.omegaSquared.value);
    }
  });

  it('WaNet: seeds near chance stay out', async () => {
    const found = await json('import', ...files('WaNet'), '--as', 'wanet');
    const count = (code: string) => found.faults.find((fault: { code: string }) => fault.code === code)?.rows;
    expect(count('near-chance')).toBe(known.nearChance);
    expect(count('asr-equals-accuracy')).toBe(known.asrEqualsAccuracy.wanet);
    const ours = means(found.runs);
    for (const [model, rate, mean] of known.wanetCifar10) {
      expect(ours.get(`${NAMES[model] ?? model} ${rate}`)).toBeCloseTo(mean, 12);
    }
  });

  it('Neural Cleanse and fine-pruning: spurious rows, verdicts on nothing finite, pruned equal to fine-pruned', async () => {
    const below = (folder: string) =>
      ['SSBA', 'WaNet'].flatMap((attack) =>
        readdirSync(join(RESULTS, folder, attack)).map((seed) => join(RESULTS, folder, attack, seed, 'results.csv')),
      );
    const cleanse = await json('import', ...below('NeuralCleanse'), '--as', 'nc');
    const codes = cleanse.faults.map((fault: { code: string }) => fault.code);
    expect(codes).toEqual(expect.arrayContaining(['spurious-row', 'nan-verdict']));
    const pruning = await json('import', ...below('FinePruning'), '--as', 'fp');
    const equal = pruning.faults.find((fault: { code: string }) => fault.code === 'pruned-equals-fine-pruned');
    expect(equal.rows).toBe(pruning.rows);
    const { claims } = await json('analyze', '--external', 'nc', '--external', 'fp');
    const verdict = (id: string) => claims.find((claim: { id: string }) => claim.id === id).verdict;
    expect([verdict('9c'), verdict('9d')]).toEqual(['supported', 'supported']);
  });
});

describe('triggerlab import', () => {
  it('keeps names apart, and lists and removes what was imported', async () => {
    const other = ['--store', join(directory, 'other')];
    const csv = join(import.meta.dirname, 'fixtures/analysis/published.csv');
    await json('import', csv, '--as', 'board', ...other);
    const again = await triggerlab('import', csv, '--as', 'board', ...other);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('--replace');
    await json('import', csv, '--as', 'board', ...other, '--replace');
    const { sources } = await json('import', 'ls', ...other);
    expect(sources).toMatchObject([{ name: 'board', rows: 8, files: [{ mapping: 'backdoorbench' }] }]);
    const { runs } = await json('results', ...other);
    expect(runs).toEqual([]);
    await json('import', 'rm', 'board', ...other);
    const missing = await triggerlab('analyze', '--external', 'board', ...other);
    expect(missing.code).toBe(2);
    expect((await triggerlab('import', csv)).stderr).toContain('--as is missing');
  });
});
