// What `plan` predicts against what it takes: two networks (one with a frozen part whose features are kept, one without) on two
// training set sizes. Measures the networks as `bench calibrate` does, predicts each cell of the sweep, then does it.
// Processor time of one process for each of its threads, since that a busy machine distorts least.
// node bench/forecast.mjs [--seconds N] [--threads N] [--size PIXELS] [--models NAME,…] [--per-class N,…]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    threads: { type: 'string', default: '1' },
    size: { type: 'string', default: '32' },
    models: { type: 'string', default: 'alexnet-mini,resnet-mini' },
    'per-class': { type: 'string', default: '100,300' },
  },
});
const threads = Number(values.threads);
const directory = mkdtempSync(join(tmpdir(), 'forecast-bench-'));
process.env.TRIGGERLAB_CACHE = directory;

const { featureStore } = await import('../dist/data/feature-cache.js');
const { bindRun } = await import('../dist/runner/bind-run.js');
const { executeRun } = await import('../dist/runner/execute-run.js');
const { keepMeasurements, readCalibration } = await import('../dist/runner/forecast/calibration.js');
const { forecast } = await import('../dist/runner/forecast/forecast.js');
const { measureNetworks, networksOf } = await import('../dist/runner/forecast/measure.js');
const { engineVersion, Runtime } = await import('../dist/runtime/node.js');
const { NUMERICS_VERSION } = await import('../dist/spec/identity.js');
const { experimentFrom } = await import('../dist/spec/parse.js');
const { planExperiment } = await import('../dist/spec/plan.js');
const { catalogFor } = await import('../dist/spec/references.js');

const names = values.models.split(',');
const cells = names.flatMap((model) =>
  values['per-class'].split(',').map((perClass) => ({ model, dataset: `mnist10k?perClass=${perClass}` })),
);
const specOf = (fields) => ({
  name: 'forecast',
  ...fields,
  freeze: 'paper',
  inputSize: Number(values.size),
  training: { epochs: 5 },
  attack: { type: 'badnets', size: [0.08, 0.16], color: 'white', poisonRate: [0.01, 0.02] },
});
const plannedOf = async (fields) => {
  const catalog = await catalogFor(specOf(fields));
  return { plan: planExperiment(experimentFrom(specOf(fields), { catalog }), catalog), catalog };
};
const cpu = (before) => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

try {
  const { plan, catalog } = await plannedOf({ model: names, dataset: cells[0].dataset });
  await keepMeasurements(
    await measureNetworks(networksOf(plan, catalog), threads, Number(values.seconds), () => {}),
    engineVersion,
  );
  const layout = { workers: 1, threads };
  const sums = { predicted: 0, took: 0 };
  for (const fields of cells) {
    const { plan, catalog } = await plannedOf(fields);
    const { time, features } = await forecast(plan, catalog, layout, readCalibration());
    const runtime = new Runtime({ threads });
    await bindRun(runtime, plan.runs[0].spec, featureStore(NUMERICS_VERSION));
    const done = new Map();
    const before = process.cpuUsage();
    for (const { runId, twinId, spec } of plan.runs) done.set(runId, await again(runtime, spec, done.get(twinId)));
    const took = cpu(before) / threads;
    await runtime.close();
    sums.predicted += time.work;
    sums.took += took;
    report(
      `${fields.model}, ${fields.dataset}, ${plan.runs.length} runs, ${features.images} images of features`,
      time.work,
      took,
    );
  }
  report('all', sums.predicted, sums.took);
} finally {
  rmSync(directory, { recursive: true });
}

async function again(runtime, spec, twin) {
  const { metrics, trained } = await executeRun(runtime, spec, twin);
  return { trained, cleanAccuracy: metrics.cleanAccuracy };
}

function report(what, predicted, took) {
  console.log(
    `${what}: predicted ${predicted.toFixed(1)} s, took ${took.toFixed(1)} s: ${(took / predicted).toFixed(2)} times as much`,
  );
}
