import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticExperiment } from '../report/synthetic-runs.fixture.ts';
import { openStore } from '../store/open.ts';
import { registerAnalyze } from './analyze.ts';
import { hearOutput } from './heard.fixture.ts';
import { runProgram } from './program.ts';

let directory: string;
let store: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'triggerlab-cli-analyze-'));
  store = join(directory, 'store');
  const opened = await openStore(store, { mode: 'own' });
  const runs = syntheticExperiment({ seeds: [1, 2, 3] });
  for (const name of ['synthetic', 'untouched']) {
    const own = name === 'synthetic' ? runs : syntheticExperiment({ seeds: [9] });
    const planned = own.map(({ runId, spec }) => ({ runId, spec }));
    await opened.recordExperiment(name, `name: ${name}\n`, { name }, planned);
  }
  for (const { runId, metrics, environment } of runs) {
    if (metrics && environment) await opened.recordDone(runId, metrics, environment);
  }
  await opened.close();
});
afterAll(() => rm(directory, { recursive: true }));

const heard = hearOutput();
async function triggerlab(...args: string[]) {
  heard.stdout = '';
  return { code: await runProgram([registerAnalyze], args), out: heard.stdout };
}

describe('triggerlab analyze', () => {
  it('prints attribution, claims and power as tables', async () => {
    const { code, out } = await triggerlab('analyze', 'synthetic', '--store', store);
    expect(code).toBe(0);
    expect(out).toContain('What explains the ASR (logit) of badnets');
    expect(out).toMatch(/3 .*Attack success rises with the poisoning rate\. +supported/);
    expect(out).toContain('standard deviation between seeds');
    expect(out).not.toContain('NaN');
  });

  it('gives all of it as JSON', async () => {
    const { code, out } = await triggerlab('analyze', 'synthetic', '--store', store, '--json');
    expect(code).toBe(0);
    const document = JSON.parse(out);
    expect(document).toMatchObject({ schemaVersion: 1, experiment: 'synthetic' });
    const [{ scope, asr }] = document.attributions;
    expect(scope).toBe('badnets');
    expect(asr.factors.map((factor: { name: string }) => factor.name)).toEqual([
      'model',
      'size',
      'position',
      'poisonRate',
    ]);
    expect(asr.terms[0].omegaSquared.interval.low).toBeLessThanOrEqual(asr.terms[0].omegaSquared.value);
    const claim = document.claims.find((one: { id: string }) => one.id === '3');
    expect(claim).toMatchObject({ verdict: 'supported', seeds: 3 });
    expect(claim.runs).toHaveLength(48);
  });

  it('refuses an experiment without results, and unknown names', async () => {
    expect((await triggerlab('analyze', 'untouched', '--store', store)).code).toBe(2);
    const { code, out } = await triggerlab('analyze', 'syntetic', '--store', store, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(out).error.hint).toContain('synthetic');
  });
});
