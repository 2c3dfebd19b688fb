// The main job through the real command line: run, repeat, resume, interrupt, fail; results to the last bit.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, startCli } from './support/cli.ts';

// AlexNet trains its classifier only, with dropout: the quickest run that draws on every random stream.
const SPEC = `
name: tiny
dataset: mnist10k?train=3000&test=500
model: alexnet-mini
init: random
training: {learningRate: 0.001, epochs: 1, batchSize: 256}
attack:
  type: badnets
  size: 0.16
  color: white
  position: [top-left, middle]
  poisonRate: [0.01, 0.02]
  target: 3
`;

interface Flat {
  readonly runId: string;
  readonly status: string;
  readonly [field: string]: unknown;
}

const TIMES = ['seconds', 'imagesPerSecond', 'startedAt', 'finishedAt'];

/** What must repeat: everything but the clock. */
function measured(stdout: string): Record<string, unknown>[] {
  const { runs } = JSON.parse(stdout) as { runs: Flat[] };
  return runs.map((run) => Object.fromEntries(Object.entries(run).filter(([field]) => !TIMES.includes(field))));
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'triggerlab-run-'));
  writeFileSync(join(folder, 'tiny.yaml'), SPEC);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('triggerlab run', { timeout: 300_000 }, () => {
  let first: Record<string, unknown>[];

  it('does an experiment and ends with its table and report', async () => {
    const { code, stdout, stderr } = await cli(folder, 'run', 'tiny.yaml', '--report', 'page', '--json');
    expect(stderr).not.toMatch(/warning|unexpected/i);
    expect(code).toBe(0);
    first = measured(stdout);
    expect(first).toHaveLength(5);
    expect(first.filter(({ status }) => status === 'done')).toHaveLength(5);
    const [clean, ...poisoned] = first;
    expect(clean).toMatchObject({ asr: null, cad: null, naturalAsr: null, cleanBaselineAccuracy: null });
    for (const run of poisoned) {
      expect(run.cleanBaselineAccuracy).toBe(clean.cleanAccuracy);
      expect(run.cad).toBe(Number(clean.cleanAccuracy) - Number(run.cleanAccuracy));
      // A 4 × 4 patch on 28 × 28 pixels touches 5 × 5 pixels after the resize to 32 × 32.
      expect(run.effectivePixels).toBeGreaterThan(15);
      expect(run.effectivePixels).toBeLessThanOrEqual(36);
      expect(run.attackedImages).toBeLessThan(Number(run.testImages));
    }
    expect(existsSync(join(folder, 'page', 'index.html'))).toBe(true);
    expect(
      readFileSync(join(folder, 'page', 'runs.csv'), 'utf8')
        .trim()
        .split('\n'),
    ).toHaveLength(6);
  });

  it('skips what is done when the command is given again', async () => {
    const started = performance.now();
    const { code, stdout, stderr } = await cli(folder, 'run', 'tiny.yaml', '--json');
    expect(code).toBe(0);
    expect(stderr).toContain('5 of 5 runs are done already');
    expect(measured(stdout)).toEqual(first);
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  it('gives the same bits in another store, with another number of workers', async () => {
    const { code, stdout } = await cli(folder, 'run', 'tiny.yaml', '--store', 'other', '--workers', '1', '--json');
    expect(code).toBe(0);
    const again = measured(stdout);
    const withoutThreads = (runs: Record<string, unknown>[]) => runs.map(({ environment, ...run }) => run);
    expect(withoutThreads(again)).toEqual(withoutThreads(first));
  });

  it('recomputes only what was removed, identically', async () => {
    expect((await cli(folder, 'results', 'rm', 'tiny', '--where', 'poisonRate=0.02', '--yes')).code).toBe(0);
    const { code, stdout, stderr } = await cli(folder, 'run', 'tiny.yaml', '--json');
    expect(code).toBe(0);
    expect(stderr).toContain('3 of 5 runs are done already');
    expect(measured(stdout)).toEqual(first);
  });

  it('makes a clean twin again when its trained state is lost', async () => {
    expect((await cli(folder, 'results', 'rm', 'tiny', '--where', 'poisonRate=0.02', '--yes')).code).toBe(0);
    rmSync(join(folder, '.triggerlab', 'artifacts'), { recursive: true });
    const { code, stdout } = await cli(folder, 'run', 'tiny.yaml', '--json');
    expect(code).toBe(0);
    expect(measured(stdout)).toEqual(first);
  });

  it('keeps what is done when it is interrupted, and goes on from there', async () => {
    const { child, finished } = startCli(folder, ['run', 'tiny.yaml', '--store', 'cut', '--workers', '1']);
    let heard = '';
    child.stderr?.on('data', (chunk) => {
      heard += chunk;
      if (heard.includes('[2/5]') && !child.killed) child.kill('SIGINT');
    });
    const { code, stderr } = await finished;
    expect(code).toBe(1);
    expect(stderr).toContain('interrupted');
    const { runs } = JSON.parse((await cli(folder, 'results', 'tiny', '--store', 'cut', '--json')).stdout) as {
      runs: Flat[];
    };
    const done = runs.filter(({ status }) => status === 'done').length;
    expect(done).toBeGreaterThanOrEqual(2);
    expect(done).toBeLessThan(5);
    expect(runs.filter(({ status }) => status === 'running')).toHaveLength(0);
    const resumed = await cli(folder, 'run', 'tiny.yaml', '--store', 'cut', '--json');
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toContain(`${done} of 5 runs are done already`);
    const strip = (list: Record<string, unknown>[]) => list.map(({ environment, ...run }) => run);
    expect(strip(measured(resumed.stdout))).toEqual(strip(first));
  });

  it('lets results be read while it is at work', async () => {
    // Long enough to be at work still when another command has found that out.
    const long = ['--set', 'training.epochs=10'];
    const { child, finished } = startCli(folder, ['run', 'tiny.yaml', '--store', 'busy', '--workers', '1', ...long]);
    await new Promise<void>((resolve) => {
      let heard = '';
      child.stderr?.on('data', (chunk) => {
        heard += chunk;
        if (heard.includes('[1/5]')) resolve();
      });
    });
    const during = await cli(folder, 'results', 'tiny', '--store', 'busy', '--json');
    expect(during.code).toBe(0);
    const { runs } = JSON.parse(during.stdout) as { runs: Flat[] };
    expect(runs.map(({ status }) => status)).toContain('done');
    expect(runs.map(({ status }) => status)).toContain('pending');
    const second = await cli(folder, 'run', 'tiny.yaml', '--store', 'busy');
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(String(child.pid));
    child.kill('SIGINT');
    expect((await finished).code).toBe(1);
  });

  it('records a failed run as failed, skips what depends on it and exits with 1', async () => {
    // A learning rate this large makes the loss overflow.
    const set = ['--set', 'training.learningRate=1e38', '--set', 'training.optimizer=sgd'];
    const { code, stdout, stderr } = await cli(folder, 'run', 'tiny.yaml', '--store', 'bad', ...set, '--json');
    expect(code).toBe(1);
    const { runs } = JSON.parse(stdout) as { runs: Flat[] };
    expect(runs[0]).toMatchObject({ status: 'failed' });
    expect(String(runs[0].error)).toContain('diverged');
    expect(runs.slice(1).map(({ status }) => status)).toEqual(['skipped', 'skipped', 'skipped', 'skipped']);
    expect(stderr).toContain('training diverged');
  });
});
