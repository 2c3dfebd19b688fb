// `triggerlab results` and `results rm`, as a shell sees them, on a small store that a run holds open.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../src/store/open.ts';
import type { Store } from '../src/store/store.ts';
import { attackedRun, cleanRun, ENVIRONMENT, failNext, METRICS } from './store-suite.ts';

const parent = mkdtempSync(join(tmpdir(), 'store-cli-'));
const directory = join(parent, 'store');
let store: Store;

beforeAll(async () => {
  store = await openStore(directory, { mode: 'own' });
  const runs = [
    cleanRun('c1ean0000001', 1),
    attackedRun('a77ac4000001', 'c1ean0000001', 0.005),
    attackedRun('a77ac4000002', 'c1ean0000001', 0.02),
  ];
  await store.recordExperiment('quick', 'name: quick', {}, runs);
  const metrics = {
    ...METRICS,
    cleanAccuracy: 0.975,
    asr: 0.9123456789012345,
    cleanBaselineAccuracy: 0.98,
    cad: 0.005,
    naturalAsr: 0.01,
  };
  await store.recordDone('c1ean0000001', { ...metrics, asr: null, naturalAsr: null }, ENVIRONMENT);
  await store.recordDone('a77ac4000001', metrics, ENVIRONMENT);
  expect(await failNext(store, 'quick', 'the loss is not a number')).toBe('a77ac4000002');
});
afterAll(async () => {
  await store?.close();
  rmSync(parent, { recursive: true });
});

async function triggerlab(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const script = join(import.meta.dirname, 'fixtures', 'results-cli.mjs');
  const child = spawn(process.execPath, [script, ...args], { cwd: parent, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, ...said };
}

test('a table with what varies, what failed, and how many are done', async () => {
  const { status, stdout, stderr } = await triggerlab('results', 'quick', '--store', 'store');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatchSnapshot();
});

test('JSON holds every digit, and the selection follows --where', async () => {
  const { status, stdout } = await triggerlab('results', '--store', 'store', '--json', '--where', 'poisonRate=0.5%');
  expect(status).toBe(0);
  const document = JSON.parse(stdout);
  expect(document.schemaVersion).toBe(1);
  expect(document.runs).toHaveLength(1);
  expect(document.runs[0]).toMatchObject({
    runId: 'a77ac4000001',
    experiment: 'quick',
    status: 'done',
    asr: 0.9123456789012345,
    attack: { type: 'badnets', size: 0.08, position: 'bottom-right', color: [255, 255, 255] },
  });
});

test('CSV, and groups in every format', async () => {
  const csv = (await triggerlab('results', 'quick', '--store', 'store', '--format', 'csv')).stdout.split('\n');
  expect(csv[0]).toMatch(/^runId,experiment,.*,attack,size,position,color,poisonRate,.*,cleanAccuracy,asr,/);
  expect(csv).toHaveLength(5);
  expect(csv[2]).toContain(',0.9123456789012345,');
  const group = ['results', 'quick', '--store', 'store', '--group-by', 'attack.type,poisonRate'];
  expect((await triggerlab(...group)).stdout).toMatchSnapshot();
  expect((await triggerlab(...group, '--format', 'csv')).stdout).toContain(
    'badnets,0.005,1,0.975,,0.9123456789012345,',
  );
  expect(JSON.parse((await triggerlab(...group, '--json')).stdout).groups[1]).toMatchObject({
    key: { attack: 'badnets', poisonRate: 0.005 },
    n: 1,
  });
});

test('mistakes end with exit 2 and the next step, and create nothing', async () => {
  const mistakes: [string[], RegExp][] = [
    [['results', '--store', 'none'], /no store at none\n {2}Run an experiment first: triggerlab run/],
    [['results', 'quack', '--store', 'store'], /Did you mean "quick"/],
    [['results', '--store', 'store', '--where', 'modle=x'], /Did you mean "model"/],
    [['results', '--store', 'store', '--where', 'model'], /expected field=value/],
    [['results', '--store', 'store', '--group-by', 'status'], /no run has a factor "status"/],
    [['results', '--store', 'store', '--format', 'xml'], /table, csv, json/],
    [['results', 'rm', '--store', 'store'], /which results/],
    [['results', 'rm', '--store', 'store', '--run', 'zzz', '--yes'], /no run "zzz"/],
    [['results', 'rm', 'quick', '--store', 'store'], /Add --yes/],
  ];
  for (const [args, message] of mistakes) {
    const { status, stdout, stderr } = await triggerlab(...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(stdout).toBe('');
  }
  expect(existsSync(join(parent, 'none'))).toBe(false);
  expect(JSON.parse((await triggerlab('results', '--store', 'store', '--json')).stdout).runs).toHaveLength(3);
});

test('rm resets what was chosen and nothing else', async () => {
  const removed = await triggerlab('results', 'rm', '--run', 'a77ac4000001', '--store', 'store', '--yes', '--json');
  expect(JSON.parse(removed.stdout)).toEqual({ schemaVersion: 1, removed: 1, runs: ['a77ac4000001'] });
  const statuses = async () =>
    JSON.parse((await triggerlab('results', '--store', 'store', '--json')).stdout).runs.map(
      (run: { status: string }) => run.status,
    );
  expect(await statuses()).toEqual(['done', 'pending', 'failed']);
  await triggerlab('results', 'rm', 'quick', '--where', 'attack=none', '--yes', '--store', 'store');
  expect(await statuses()).toEqual(['pending', 'pending', 'failed']);
});
