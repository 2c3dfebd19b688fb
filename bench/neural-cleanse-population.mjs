// Neural Cleanse over every classifier of a store, clean and backdoored: one line of JSON per classifier, resumable.
//   triggerlab run suites/defense-population.yaml --store population
//   node bench/neural-cleanse-population.mjs --store population --out findings.jsonl [--schedule reference] [--match resnet-mini] [--run ID,ID] [--seed 1] [--limit 10]
// What it comes to: node bench/neural-cleanse-figures.mjs findings.jsonl
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { neuralCleanse } from '../dist/defenses/neural-cleanse/neural-cleanse.js';
import { cleanseSettings } from '../dist/defenses/neural-cleanse/settings.js';
import { bindRun } from '../dist/runner/bind-run.js';
import { restoreRun } from '../dist/runner/restore-run.js';
import { Runtime } from '../dist/runtime/node.js';
import { CHOICE, classifiers } from './classifiers.mjs';

const { values } = parseArgs({
  options: {
    ...CHOICE,
    out: { type: 'string', default: 'findings.jsonl' },
    schedule: { type: 'string', default: 'cheap' },
    seed: { type: 'string', default: '0' },
    limit: { type: 'string', default: '1000000' },
    threads: { type: 'string', default: '1' },
    reverse: { type: 'boolean', default: false },
    steps: { type: 'string' },
    batches: { type: 'string' },
    batch: { type: 'string' },
  },
});
const number = (text) => (text === undefined ? undefined : Number(text));
const settings = cleanseSettings({
  schedule: values.schedule,
  steps: number(values.steps),
  batchesPerStep: number(values.batches),
  batchSize: number(values.batch),
});
const seed = Number(values.seed);
const chosen = await classifiers(
  values,
  values.out,
  (line) => `${line.runId} ${line.seed}`,
  (runId) => `${runId} ${seed}`,
  (runs) => (values.reverse ? runs.toReversed() : runs).slice(0, Number(values.limit)),
);
const runtime = new Runtime({ threads: Number(values.threads) });
for (const { run, trained } of chosen) {
  const { spec } = run;
  const { dataset, network } = await bindRun(runtime, { ...spec, attack: { type: 'none' } });
  const { state } = await restoreRun(runtime, run, trained);
  const before = process.cpuUsage();
  let told = 0;
  const onProgress = (share) => {
    if (share < told + 0.01) return;
    told = share;
    console.error(`${run.runId.slice(0, 8)} ${(100 * share).toFixed(0)} % of the most steps there can be`);
  };
  const result = await neuralCleanse({
    ...{ runtime, network, trained: state, images: dataset.test, settings, seed },
    watch: settings.schedule === 'reference' ? { onProgress } : {},
  });
  const { user, system } = process.cpuUsage(before);
  const line = {
    ...{ runId: run.runId, model: spec.model, dataset: spec.dataset, attack: spec.attack, seed, modelSeed: spec.seed },
    ...{ target: spec.attack.type === 'none' ? null : spec.targetClass, asr: run.metrics?.asr ?? null },
    ...{ cleanAccuracy: run.metrics?.cleanAccuracy ?? null, schedule: settings.schedule },
    norms: result.classes.map(({ trigger }) => trigger?.norm ?? null),
    rates: result.classes.map((one) => one.asr ?? null),
    steps: result.classes.map((one) => one.steps),
    ...{ score: result.anomaly.score ?? null, mostSuspicious: result.anomaly.mostSuspicious ?? null },
    ...{ cost: result.cost, cpuSeconds: (user + system) / 1e6 },
  };
  appendFileSync(values.out, `${JSON.stringify(line)}\n`);
  const norms = line.norms.map((norm) => norm?.toFixed(1) ?? '–').join(' ');
  console.error(
    `${run.runId.slice(0, 8)} ${spec.model} ${spec.attack.type} target ${line.target} asr ${line.asr}: score ${line.score?.toFixed(2)} at ${line.mostSuspicious}; ${norms}; ${line.cpuSeconds.toFixed(1)} s CPU, ${result.cost.seconds.toFixed(1)} s`,
  );
}
await runtime.close();
