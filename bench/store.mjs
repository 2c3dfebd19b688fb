// How fast a large store answers: 11,180 synthetic runs (made up here, measured by nobody) with results and 20 epochs each.
// node bench/store.mjs [postgres://…] — the embedded database unless a server is named.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aggregate } from '../dist/analysis/aggregate.js';
import { sweepStatus } from '../dist/queue/status.js';
import { openStore } from '../dist/store/open.js';
import { parseConditions } from '../dist/store/where.js';

const RUNS = 11_180;
const EPOCHS = 20;
const REPEATS = 9;
const server = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), 'store-bench-'));
const store = await openStore(server ?? directory, { mode: 'own', artifacts: join(directory, 'artifacts') });
const db = store.database;
const training = {
  optimizer: 'adam',
  learningRate: 0.001,
  momentum: 0,
  weightDecay: 0,
  epochs: EPOCHS,
  batchSize: 128,
};
const pick = (list, i) => list[i % list.length];
const runs = Array.from({ length: RUNS }, (_, i) => ({
  runId: `synthetic-${String(i).padStart(6, '0')}`,
  spec: {
    dataset: pick(['mnist', 'cifar10', 'tiny-imagenet'], i),
    model: pick(['alexnet', 'googlenet', 'vgg19_bn', 'resnet152'], i >> 2),
    ...{ init: 'pretrained', freeze: 'paper', inputSize: 128 },
    attack: {
      type: 'badnets',
      size: pick([0.04, 0.06, 0.08], i >> 4),
      position: pick(['middle', 'top-left'], i >> 6),
      color: pick(['white', 'black', 'green'], i >> 8),
      stampAt: 'native',
      rounding: 'round',
    },
    ...{ poisonRate: pick([0.005, 0.01, 0.02], i >> 5), targetClass: 0, training, seed: i },
  },
}));
await store.recordExperiment('synthetic', 'name: synthetic', {}, runs);
await db.exec(`
  UPDATE runs SET status = 'done', clean_accuracy = 0.9, asr = 0.5, asr_inclusive = 0.55, clean_baseline_accuracy = 0.91, cad = 0.01,
    natural_asr = 0.1, effective_pixels = 25, test_images = 10000, attacked_images = 9000, epochs = ${EPOCHS}, seconds = 100,
    images_per_second = 100, epoch_losses = array_fill(0.5::float8, ARRAY[${EPOCHS}]), started_at = now(), finished_at = now(),
    environment = '{"triggerlab":"0","onnxruntime":"0","node":"0","threads":1,"cpu":"synthetic"}';
  INSERT INTO epochs (run_id, epoch, loss, seconds) SELECT run_id, e, 0.5, e FROM runs, generate_series(1, ${EPOCHS}) e;
  ANALYZE`);

async function measure(name, work) {
  const times = [];
  const before = process.cpuUsage();
  for (let i = 0; i < REPEATS; i++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  const cpu = process.cpuUsage(before);
  const [median] = times.sort((a, b) => a - b).slice(REPEATS >> 1);
  const processor = (cpu.user + cpu.system) / 1000 / REPEATS;
  console.log(`${name}: median ${median.toFixed(0)} ms, ${processor.toFixed(0)} ms of processor time`);
}

await measure('status', () => sweepStatus(db, 'synthetic'));
await measure('experiments', () => store.listExperiments());
await measure('results: every run', () => store.listRuns({ experiment: 'synthetic' }));
await measure('results --where model=alexnet,dataset=mnist', () =>
  store.listRuns({ experiment: 'synthetic', where: parseConditions('model=alexnet,dataset=mnist') }),
);
await measure('results --group-by model,poisonRate', async () => {
  aggregate(await store.listRuns({ experiment: 'synthetic' }), ['model', 'poisonRate']);
});
console.log(`resident memory ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
if (server) {
  await store.removeRuns(runs.map(({ runId }) => runId));
  await db.query("DELETE FROM experiments WHERE name = 'synthetic'");
}
await store.close();
rmSync(directory, { recursive: true });
