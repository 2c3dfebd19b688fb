// What a run costs in the queue: claims on the table `runs` against pg-boss carrying run ids beside it.
// node bench/queue.mjs [postgres://…] — the embedded database unless a server is named. pg-boss is no dependency of
// triggerlab: without `npm install --no-save pg-boss@10.4.2` only the claims are measured.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunQueue } from '../dist/queue/run-queue.js';
import { openStore } from '../dist/store/open.js';

const RUNS = 2000;
const WORKERS = 2;
const server = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), 'queue-bench-'));
const store = await openStore(server ?? directory, { mode: 'own', artifacts: join(directory, 'artifacts') });
const db = store.database;
const training = { optimizer: 'adam', learningRate: 0.01, momentum: 0, weightDecay: 0, epochs: 1, batchSize: 1 };
const spec = { dataset: 'd', model: 'm', init: 'random', freeze: 'none', inputSize: 32, attack: { type: 'none' } };
const metrics = {
  ...{ cleanAccuracy: 0.5, asr: null, asrInclusive: null, cleanBaselineAccuracy: null, cad: null, naturalAsr: null },
  ...{
    effectivePixels: null,
    testImages: 1,
    attackedImages: null,
    epochs: 1,
    epochLosses: [1],
    seconds: 1,
    imagesPerSecond: 1,
  },
};
const environment = { triggerlab: '0', onnxruntime: '0', node: process.version, threads: 1, cpu: '' };

/** Plans runs, lets two workers do nothing with each, and tells milliseconds per run. */
async function measure(name, prepare, take) {
  const experiment = `queue-bench-${name}`;
  const runs = Array.from({ length: RUNS }, (_, i) => ({
    runId: `${name}-${i}`,
    spec: { ...spec, poisonRate: 0, targetClass: 0, training, seed: i },
  }));
  await store.recordExperiment(experiment, '', {}, runs);
  const planned = performance.now();
  await prepare(experiment, runs);
  const started = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: WORKERS }, async (_, worker) => {
      while (await take(experiment, worker)) done++;
    }),
  );
  const ms = (performance.now() - started) / RUNS;
  await store.removeRuns(runs.map(({ runId }) => runId));
  await db.query('DELETE FROM experiments WHERE name = $1', [experiment]);
  console.log(
    `${name}: ${ms.toFixed(2)} ms per run (${done} runs), ${((started - planned) / 1000).toFixed(2)} s to fill the queue`,
  );
}

const queues = Array.from({ length: WORKERS }, (_, i) => {
  const info = { worker: `bench-${i}`, host: 'here', pid: process.pid, slots: 1, threads: 1 };
  return new RunQueue(db, info);
});
await measure(
  'claims',
  async () => {},
  async (experiment, worker) => {
    const run = await queues[worker].claim(experiment);
    if (run) await store.recordDone(run.runId, metrics, environment);
    return run !== undefined;
  },
);

const PgBoss = await import('pg-boss').then(
  (module) => module.default,
  () => undefined,
);
if (PgBoss) {
  const executeSql = async (text, values = []) => {
    // Several statements in one text are possible without values only.
    if (values.length === 0 && /;\s*\S/.test(text)) return { rows: await db.exec(text) };
    return {
      rows: await db.query(
        text,
        values.map((v) =>
          Array.isArray(v) ? `{${v.join(',')}}` : v !== null && typeof v === 'object' ? JSON.stringify(v) : v,
        ),
      ),
    };
  };
  const boss = new PgBoss(
    server
      ? { connectionString: server, schema: 'queue_bench', supervise: false, schedule: false }
      : { db: { executeSql }, schema: 'queue_bench', supervise: false, schedule: false },
  );
  await boss.start();
  await boss.createQueue('runs');
  await measure(
    'pg-boss',
    (_, runs) => boss.insert(runs.map(({ runId }) => ({ name: 'runs', data: { runId } }))),
    async () => {
      const [job] = await boss.fetch('runs');
      if (!job) return false;
      await db.query("UPDATE runs SET status = 'running' WHERE run_id = $1", [job.data.runId]);
      await store.recordDone(job.data.runId, metrics, environment);
      await boss.complete('runs', job.id);
      return true;
    },
  );
  await boss.stop({ graceful: false });
  await db.exec('DROP SCHEMA queue_bench CASCADE');
}
await store.close();
rmSync(directory, { recursive: true });
