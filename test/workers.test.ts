// Processes that share an experiment: stopped in the middle of a run, killed, and several machines' worth on one server.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TriggerlabError } from '../src/core/errors.ts';
import { openStore } from '../src/store/open.ts';
import { cli, startCli } from './support/cli.ts';
import { type FreshDatabase, freshDatabase } from './support/postgres.ts';

const SPEC = `
name: small
dataset: shapes?train=400&test=100
model: alexnet-mini
init: random
training: {learningRate: 0.001, epochs: 2, batchSize: 20}
seed: [0, 1]
attack: {type: badnets, size: 0.16, color: white, position: [top-left, middle], poisonRate: 0.02, target: 3}
`;

interface Flat {
  readonly runId: string;
  readonly status: string;
  readonly environment: unknown;
  readonly [field: string]: unknown;
}

const TIMES = ['seconds', 'imagesPerSecond', 'startedAt', 'finishedAt', 'environment'];
const measured = (stdout: string) =>
  (JSON.parse(stdout) as { runs: Flat[] }).runs.map((run) =>
    Object.fromEntries(Object.entries(run).filter(([field]) => !TIMES.includes(field))),
  );

/** Waits until a run of the store is well into its training. */
async function untilTraining(location: string): Promise<void> {
  for (;;) {
    try {
      const store = await openStore(location, { mode: 'use' });
      try {
        for (;;) {
          const sql = "SELECT run_id FROM runs WHERE status = 'running' AND progress > 0.1";
          if ((await store.database.query(sql)).length > 0) return;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      } finally {
        await store.close();
      }
    } catch (error) {
      // Not there yet.
      if (!(error instanceof TriggerlabError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

let folder: string;
let undisturbed: Record<string, unknown>[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-workers-'));
  writeFileSync(join(folder, 'small.yaml'), SPEC);
  undisturbed = measured((await cli(folder, 'run', 'small.yaml', '--store', 'whole', '--json')).stdout);
  expect(undisturbed.map(({ status }) => status)).toEqual(Array(6).fill('done'));
}, 900_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const server = process.env.TRIGGERLAB_TEST_POSTGRES;

describe('workers', { timeout: 900_000 }, () => {
  it('a run that is stopped in the middle of training goes on from its checkpoint, with the same bits', async () => {
    const args = [
      'run',
      'small.yaml',
      '--store',
      'cut',
      '--workers',
      '1',
      '--lease',
      '1',
      '--set',
      'training.epochs=40',
    ];
    const { child, finished } = startCli(folder, args);
    await untilTraining(join(folder, 'cut'));
    child.kill('SIGTERM');
    const { code, stderr } = await finished;
    expect(code).toBe(1);
    expect(stderr).toContain('write a checkpoint');
    expect(readdirSync(join(folder, 'cut', 'artifacts', 'checkpoints'))).toHaveLength(1);
    const resumed = await cli(folder, ...args, '--json', '--limit', '1');
    expect(resumed.code).toBe(0);
    expect(readdirSync(join(folder, 'cut', 'artifacts', 'checkpoints'))).toHaveLength(0);
    const whole = await cli(folder, ...args.map((arg) => (arg === 'cut' ? 'uncut' : arg)), '--json', '--limit', '1');
    const done = (stdout: string) => measured(stdout).filter(({ status }) => status === 'done');
    expect(done(resumed.stdout)).toHaveLength(1);
    expect(done(resumed.stdout)).toEqual(done(whole.stdout));
  });

  it('a directory is no place for workers, and retry wants to know what', async () => {
    const worker = await cli(folder, 'worker', '--store', 'whole');
    expect([worker.code, worker.stderr]).toEqual([2, expect.stringContaining('--store postgres://')]);
    const retry = await cli(folder, 'retry', '--store', 'whole');
    expect([retry.code, retry.stderr]).toEqual([2, expect.stringContaining('--failed')]);
  });

  it('status and logs tell what was done', async () => {
    const status = JSON.parse((await cli(folder, 'status', 'small', '--store', 'whole', '--json')).stdout);
    expect(status).toMatchObject({ total: 6, secondsLeft: 0, workers: [], failures: [] });
    expect(status.counts).toEqual({ pending: 0, running: 0, done: 6, failed: 0, skipped: 0 });
    expect(status.runsPerHour).toBeGreaterThan(0);
    const [{ runId, epochLosses }] = undisturbed;
    const { events, epochs } = JSON.parse(
      (await cli(folder, 'logs', String(runId), '--store', 'whole', '--json')).stdout,
    );
    expect(events.map(({ kind }: { kind: string }) => kind)).toEqual(['claimed', 'done']);
    expect(epochs.map(({ loss }: { loss: number }) => loss)).toEqual(epochLosses);
  });

  it('retry --failed makes failed and skipped runs pending', async () => {
    const bad = ['--store', 'bad', '--set', 'training.learningRate=1e38', '--set', 'training.optimizer=sgd'];
    expect((await cli(folder, 'run', 'small.yaml', ...bad)).code).toBe(1);
    const retried = JSON.parse((await cli(folder, 'retry', '--failed', 'small', '--store', 'bad', '--json')).stdout);
    expect(retried).toMatchObject({ retried: 6, failures: [{ runs: 2, error: expect.stringContaining('diverged') }] });
    expect((await cli(folder, 'status', '--store', 'bad')).stdout).toContain('6 runs: 6 pending');
  });
});

describe.skipIf(!server)('workers on PostgreSQL', { timeout: 900_000 }, () => {
  let database: FreshDatabase;
  beforeAll(async () => {
    database = await freshDatabase(server ?? '');
  });
  afterAll(() => database?.drop());

  it('two runs and a worker in folders of their own share an experiment; no run is done twice', async () => {
    const folders = ['one', 'two', 'three'].map((name) => join(folder, name));
    for (const path of folders) mkdirSync(path);
    const store = ['--store', database.url, '--workers', '1'];
    const runs = folders.slice(0, 2).map((path) => cli(path, 'run', '../small.yaml', ...store, '--json'));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const worker = cli(folders[2], 'worker', ...store, '--idle', '5', '--json');
    const ends = await Promise.all(runs);
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expect(measured(ends[0].stdout)).toEqual(undisturbed);
    expect(measured(ends[1].stdout)).toEqual(undisturbed);
    const counts = [...ends, await worker].map(({ stdout }) => (JSON.parse(stdout) as { done: number }).done);
    expect(counts.reduce((sum, done) => sum + done, 0)).toBe(6);
  });

  it('a worker that is killed loses its run to another', async () => {
    const cut = ['--set', 'training.epochs=20', '--set', 'seed=5', '--store', database.url, '--lease', '2'];
    const first = startCli(join(folder, 'one'), ['run', '../small.yaml', ...cut, '--workers', '1']);
    await untilTraining(database.url);
    first.child.kill('SIGKILL');
    await first.finished;
    const second = await cli(join(folder, 'two'), 'run', '../small.yaml', ...cut, '--json');
    expect(second.code).toBe(0);
    expect(measured(second.stdout).map(({ status }) => status)).toEqual(Array(3).fill('done'));
  });

  it('a worker trains the SSBA encoder that a run needs', async () => {
    const ssba = [
      '--set',
      'attack={type: ssba, bits: 4, width: 4, steps: 2, target: 3, poisonRate: 0.1}',
      '--set',
      'seed=7',
    ];
    const store = ['--store', database.url];
    const cache = process.env.TRIGGERLAB_CACHE;
    process.env.TRIGGERLAB_CACHE = join(folder, 'no-encoder-yet');
    try {
      expect((await cli(join(folder, 'one'), 'run', '../small.yaml', ...ssba, ...store, '--workers', '0')).code).toBe(
        0,
      );
      const worker = await cli(join(folder, 'two'), 'worker', ...store, '--workers', '1', '--idle', '1', '--json');
      expect(worker.stderr).toContain("SSBA's encoder has to be trained first");
      expect(JSON.parse(worker.stdout)).toMatchObject({ done: 2, failed: 0, skipped: 0 });
    } finally {
      process.env.TRIGGERLAB_CACHE = cache;
    }
  });
});
