// What a run costs when nothing is trained: claim, clean twin, message to a process and back, record, log, progress.
// node bench/overhead.mjs [postgres://…]   — the embedded database unless a server is named; 500 runs, 2 workers, the sweep of `run`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunQueue } from '../dist/queue/run-queue.js';
import { RunnerPool } from '../dist/runner/pool.js';
import { sweep } from '../dist/runner/sweep.js';
import { openStore } from '../dist/store/open.js';

const RUNS = 500;
const ROUNDS = 3;
const SEEDS = 5;
const server = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), 'overhead-bench-'));
const store = await openStore(server ?? directory, { mode: 'own', artifacts: join(directory, 'artifacts') });
const training = { optimizer: 'adam', learningRate: 0.01, momentum: 0, weightDecay: 0, epochs: 1, batchSize: 1 };
const spec = { dataset: 'd', model: 'm', init: 'random', freeze: 'none', inputSize: 32, training };

/** Runs of one round: a clean twin for each seed, and poisoned runs that are compared with them. */
function runsOf(round) {
  const twin = (seed) => `overhead-${round}-clean-${seed}`;
  return Array.from({ length: RUNS }, (_, i) => {
    const seed = i % SEEDS;
    if (i < SEEDS)
      return { runId: twin(seed), spec: { ...spec, attack: { type: 'none' }, poisonRate: 0, targetClass: 0, seed } };
    const attack = { type: 'badnets', size: i / RUNS };
    return {
      runId: `overhead-${round}-${i}`,
      twinId: twin(seed),
      spec: { ...spec, attack, poisonRate: 0.1, targetClass: 0, seed },
    };
  });
}

const queue = new RunQueue(store.database, { worker: 'bench', host: 'here', pid: process.pid, slots: 2, threads: 1 });
const program = fileURLToPath(new URL('./empty-runner.mjs', import.meta.url));
const perRun = [];
for (let round = 0; round < ROUNDS; round++) {
  const experiment = `overhead-${round}`;
  await store.recordExperiment(experiment, '', {}, runsOf(round));
  const pool = new RunnerPool({ workers: 2, threads: 1, program });
  const [started, before] = [performance.now(), process.cpuUsage()];
  const { done, failed, skipped } = await sweep(store, queue, pool, { experiment });
  const wall = (performance.now() - started) / RUNS;
  const { user, system } = process.cpuUsage(before);
  pool.close();
  if (done !== RUNS) throw new Error(`${done} done, ${failed} failed, ${skipped} skipped of ${RUNS}`);
  perRun.push(wall);
  console.log(
    `${wall.toFixed(1)} ms per run, ${((user + system) / 1000 / RUNS).toFixed(1)} ms of it this process's processor time`,
  );
}
console.log(
  `median ${perRun.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)].toFixed(1)} ms per empty run, 2 workers, ${server ? 'PostgreSQL' : 'PGlite'}`,
);
await store.close();
rmSync(directory, { recursive: true, force: true });
