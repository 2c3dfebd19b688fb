import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticExperiment } from '../report/synthetic-runs.fixture.ts';
import { openStore } from '../store/open.ts';
import { hearOutput } from './heard.fixture.ts';
import { runProgram } from './program.ts';
import { registerReport } from './report.ts';

let directory: string;
let store: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'triggerlab-cli-report-'));
  store = join(directory, 'store');
  const opened = await openStore(store, { mode: 'own' });
  const runs = syntheticExperiment({ models: ['resnet-mini'], sizes: [0.16], positions: ['middle'], seeds: [1] });
  await opened.recordExperiment(
    'synthetic',
    'name: synthetic\n',
    { name: 'synthetic' },
    runs.map(({ runId, spec }) => ({ runId, spec })),
  );
  for (const { runId, metrics, environment } of runs) {
    if (metrics && environment) await opened.recordDone(runId, metrics, environment);
  }
  await opened.close();
});
afterAll(() => rm(directory, { recursive: true }));

const heard = hearOutput();
async function triggerlab(...args: string[]) {
  heard.stdout = '';
  return { code: await runProgram([registerReport], args), out: heard.stdout };
}

describe('triggerlab report', () => {
  it('writes the report of a stored experiment', async () => {
    const out = join(directory, 'out');
    const { code, out: text } = await triggerlab('report', 'synthetic', '--out', out, '--store', store, '--json');
    expect(code).toBe(0);
    const document = JSON.parse(text);
    expect(document).toMatchObject({ schemaVersion: 1, experiment: 'synthetic', html: join(out, 'index.html') });
    expect(document.files).toContain(join(out, 'asr.svg'));
    expect(await readFile(document.html, 'utf8')).toContain('3 runs: 3 done.');
  });

  it('knows bad usage from bad names', async () => {
    expect((await triggerlab('report', 'synthetic', '--store', store)).code).toBe(2);
    const { code, out } = await triggerlab('report', 'syntetic', '--out', directory, '--store', store, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(out).error.hint).toContain('synthetic');
  });
});
