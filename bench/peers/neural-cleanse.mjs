// Neural Cleanse beside a PyTorch transcription: the same network and images, the same steps, the same number of threads.
//   node bench/peers/neural-cleanse.mjs --store population --run 3fa94c1b [--python FILE] [--seeds 3] [--steps 150] [--batch 32]
// Prints one JSON document: norms of each side by class and seed, seconds per class, whether λ is the same on PyTorch's sequences.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nextLambda, REFERENCE_LAMBDA, startLambda } from '../../dist/defenses/neural-cleanse/lambda-schedule.js';
import { neuralCleanse } from '../../dist/defenses/neural-cleanse/neural-cleanse.js';
import { cleanseSettings } from '../../dist/defenses/neural-cleanse/settings.js';
import { encodeModel } from '../../dist/graph/onnx/encode.js';
import { bindRun } from '../../dist/runner/bind-run.js';
import { classifierGraph } from '../../dist/runner/export-run.js';
import { restoreRun } from '../../dist/runner/restore-run.js';
import { TRAINED_ARTIFACT } from '../../dist/runner/twins.js';
import { Runtime } from '../../dist/runtime/node.js';
import { openStore } from '../../dist/store/open.js';
import { seenPixels } from '../../dist/train/predict.js';

const PEER = fileURLToPath(new URL('./torch_neural_cleanse.py', import.meta.url));
const { values } = parseArgs({
  options: {
    store: { type: 'string', default: '.triggerlab' },
    run: { type: 'string' },
    python: { type: 'string', default: process.env.TRIGGERLAB_PYTHON ?? 'python3' },
    seeds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '150' },
    batch: { type: 'string', default: '32' },
    batches: { type: 'string', default: '1' },
    images: { type: 'string', default: '500' },
    threads: { type: 'string', default: '1' },
  },
});
const [seeds, steps, batch, batches, threads] = ['seeds', 'steps', 'batch', 'batches', 'threads'].map((name) =>
  Number(values[name]),
);

const store = await openStore(values.store, { mode: 'use' });
const run = await store.getRun(values.run);
const runtime = new Runtime({ threads });
const { dataset, network } = await bindRun(runtime, { ...run.spec, attack: { type: 'none' } });
const { state } = await restoreRun(runtime, run, await store.getArtifact(run.runId, TRAINED_ARTIFACT));
await store.close();
const folder = mkdtempSync(join(tmpdir(), 'neural-cleanse-peer-'));
try {
  const { mean, std, inputSize } = network.preprocessing;
  const rows = Array.from({ length: Math.min(Number(values.images), dataset.test.count) }, (_, row) => row);
  const pixels = await seenPixels(runtime, network, dataset.test, rows);
  writeFileSync(join(folder, 'weights.onnx'), encodeModel(classifierGraph(network, state, false)));
  writeFileSync(
    join(folder, 'images.bin'),
    new Uint8Array(pixels.data.buffer, pixels.data.byteOffset, pixels.data.byteLength),
  );
  const about = { model: run.spec.model, classes: network.classes, side: inputSize, mean, std };
  writeFileSync(join(folder, 'network.json'), JSON.stringify(about));

  // The steps of the cheap schedule under the reference's λ, so that both sides do the same.
  const settings = {
    ...cleanseSettings({ steps, batchSize: batch, batchesPerStep: batches }),
    ...{ lambda: REFERENCE_LAMBDA, earlyStop: false },
  };
  const ours = [];
  for (let seed = 0; seed < seeds; seed++) {
    const before = process.cpuUsage();
    const result = await neuralCleanse({
      runtime,
      network,
      trained: state,
      images: dataset.test,
      rows,
      settings,
      seed,
    });
    const { user, system } = process.cpuUsage(before);
    ours.push({
      norms: result.classes.map(({ trigger }) => trigger?.norm ?? null),
      secondsPerClass: result.cost.seconds / network.classes,
      cpuSecondsPerClass: (user + system) / 1e6 / network.classes,
    });
  }
  const args = { steps, batch, batches, threads, seeds, classes: network.classes };
  const options = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { status, stdout, stderr } = spawnSync(values.python, [PEER, folder, ...options], {
    ...{ encoding: 'utf8', maxBuffer: 1 << 28 },
  });
  if (status !== 0) throw new Error(stderr);
  const peer = JSON.parse(stdout);
  const theirs = ours.map((_, seed) => {
    const own = peer.found.filter((one) => one.seed === seed);
    const mean = (of) => own.reduce((sum, one) => sum + of(one), 0) / own.length;
    return {
      norms: own.map(({ norm }) => norm),
      secondsPerClass: mean(({ seconds }) => seconds),
      cpuSecondsPerClass: mean(({ cpuSeconds }) => cpuSeconds),
    };
  });
  // Neither side ends early here.
  const schedule = { ...REFERENCE_LAMBDA, stopAfter: Number.POSITIVE_INFINITY };
  const sameLambda = peer.found.every(({ record }) => {
    let lambda = startLambda(schedule);
    return record.every(([success, norm, cost]) => {
      lambda = nextLambda(schedule, lambda, { success, norm }).state;
      // Python's and JavaScript's 2 ** 1.5 differ in the last bit.
      return Math.abs(lambda.lambda - cost) <= 1e-12 * cost;
    });
  });
  const average = (list, of) => list.reduce((sum, one) => sum + of(one), 0) / list.length;
  const ratio = (of) => average(theirs, of) / average(ours, of);
  process.stdout.write(
    `${JSON.stringify({
      schemaVersion: 1,
      ...{
        run: run.runId,
        model: run.spec.model,
        dataset: run.spec.dataset,
        steps,
        batch,
        batches,
        threads,
        images: rows.length,
      },
      torch: peer.torch,
      ...{ ours, theirs, sameLambda, lambdaSteps: peer.found.reduce((sum, one) => sum + one.record.length, 0) },
      ratio: ratio((one) => one.secondsPerClass),
      cpuRatio: ratio((one) => one.cpuSecondsPerClass),
      record: peer.found[0].record,
    })}\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
  await runtime.close();
}
