// Runner processes as they are shipped: compiled, since a process of its own runs no TypeScript.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunSpec } from '../spec/run-spec.ts';
import type { RunnerPool } from './pool.ts';
import type { Job } from './protocol.ts';

const compiled = fileURLToPath(new URL('../../dist/runner/pool.js', import.meta.url));
const pools: RunnerPool[] = [];
let Pool: typeof RunnerPool;

beforeAll(async () => {
  Pool = ((await import(compiled)) as { RunnerPool: typeof RunnerPool }).RunnerPool;
});
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

function poolOf(): RunnerPool {
  const pool = new Pool({ workers: 1, threads: 1 });
  pools.push(pool);
  return pool;
}

const spec: RunSpec = {
  dataset: 'shapes',
  model: 'resnet-mini',
  init: 'random',
  freeze: 'head',
  inputSize: 32,
  attack: { type: 'none' },
  poisonRate: 0,
  targetClass: 0,
  training: { optimizer: 'sgd', learningRate: 0.01, momentum: 0, weightDecay: 0, epochs: 50, batchSize: 100 },
  seed: 1,
};
const job = (changes: Partial<RunSpec>): Job => ({ spec: { ...spec, ...changes } });

describe('RunnerPool', () => {
  it('answers a job that cannot be done with the message and its hint, time and again', async () => {
    const pool = poolOf();
    for (const [dataset, error] of [
      ['shape', 'unknown dataset "shape" Did you mean "shapes"?'],
      ['mnits10k', 'unknown dataset "mnits10k" Did you mean "mnist10k"?'],
    ]) {
      expect(await pool.run(job({ dataset }), () => {})).toMatchObject({ kind: 'failed', error });
    }
  });

  it('turns the end of a process into an outcome, at work and before it began', async () => {
    const pool = poolOf();
    let closing = false;
    const outcome = await pool.run(job({}), () => {
      if (!closing) pool.close();
      closing = true;
    });
    expect(outcome).toMatchObject({ kind: 'failed', error: 'the runner process was killed by SIGKILL' });
    const early = poolOf();
    const unborn = early.run(job({}), () => {});
    early.close();
    expect(await unborn).toMatchObject({ kind: 'failed', error: 'the runner process was killed by SIGKILL' });
  });

  it.skipIf(process.platform === 'win32')(
    'gives no job to a pool that was closed, nor to an idle process that has died',
    async () => {
      const closed = poolOf();
      closed.close();
      expect(await closed.run(job({}), () => {})).toMatchObject({
        kind: 'failed',
        error: 'the runner processes were ended',
      });
      const pool = poolOf();
      await pool.run(job({ dataset: 'shape' }), () => {});
      const idle = execFileSync('pgrep', ['-P', String(process.pid), '-f', 'runner/child.js'], { encoding: 'utf8' });
      for (const pid of idle.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await pool.run(job({ dataset: 'shape' }), () => {})).toMatchObject({
        kind: 'failed',
        error: expect.stringContaining('unknown dataset "shape"'),
      });
    },
  );
});
