// ABS over every classifier of a store, clean and backdoored: one line of JSON per classifier, resumable.
//   triggerlab run suites/defense-population.yaml --store population
//   node bench/abs-population.mjs --store population --out abs.jsonl [--parameters '{"maskShare":0.02}'] [--run ID,ID] [--match resnet-mini]
// What it comes to: node bench/abs-figures.mjs abs.jsonl
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { abs } from '../dist/defenses/abs.js';
import { bindRun } from '../dist/runner/bind-run.js';
import { defenseSubject } from '../dist/runner/execute-defense.js';
import { TRAINED_ARTIFACT } from '../dist/runner/twins.js';
import { Runtime } from '../dist/runtime/node.js';
import { openStore } from '../dist/store/open.js';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: '.triggerlab' },
    experiment: { type: 'string' },
    out: { type: 'string', default: 'abs.jsonl' },
    parameters: { type: 'string', default: '{}' },
    run: { type: 'string', default: '' },
    match: { type: 'string', default: '' },
    threads: { type: 'string', default: '1' },
  },
});
const parameters = abs.parameters.parse(JSON.parse(values.parameters));
const lines = existsSync(values.out) ? readFileSync(values.out, 'utf8').trim().split('\n').filter(Boolean) : [];
const keyOf = (runId, settings) => `${runId} ${JSON.stringify(settings)}`;
const known = new Set(lines.map((line) => JSON.parse(line)).map((one) => keyOf(one.runId, one.parameters)));
const store = await openStore(values.store, { mode: 'use' });
const runs = (await store.listRuns(values.experiment === undefined ? {} : { experiment: values.experiment })).filter(
  ({ runId, status, spec }) =>
    status === 'done' &&
    spec.defense === undefined &&
    !known.has(keyOf(runId, parameters)) &&
    values.run.split(',').some((id) => runId.startsWith(id)) &&
    `${spec.model} ${JSON.stringify(spec.dataset)} ${spec.attack.type}`.includes(values.match),
);
const kept = new Map();
for (const { runId } of runs) kept.set(runId, await store.getArtifact(runId, TRAINED_ARTIFACT));
// Others may want the store meanwhile.
await store.close();
const runtime = new Runtime({ threads: Number(values.threads) });
for (const { runId, spec, metrics } of runs) {
  const subject = defenseSubject(runtime, spec, await bindRun(runtime, spec), kept.get(runId));
  const before = process.cpuUsage();
  const started = performance.now();
  const found = await abs.run(subject, parameters, {});
  const { user, system } = process.cpuUsage(before);
  const line = {
    ...{ runId, model: spec.model, dataset: spec.dataset, attack: spec.attack, modelSeed: spec.seed, parameters },
    ...{ target: spec.attack.type === 'none' ? null : spec.targetClass, asr: metrics?.asr ?? null },
    ...{ metrics: found.metrics, candidates: found.details.candidates },
    cost: { seconds: (performance.now() - started) / 1000, ...found.cost },
    cpuSeconds: (user + system) / 1e6,
  };
  appendFileSync(values.out, `${JSON.stringify(line)}\n`);
  const { reasr, suspectClass, maskPixels } = found.metrics;
  console.error(
    `${runId.slice(0, 8)} ${spec.model} ${spec.attack.type} target ${line.target}: REASR ${reasr}, class ${suspectClass}, mask ${maskPixels?.toFixed(1)}; ${line.cpuSeconds.toFixed(1)} s of processor time`,
  );
}
await runtime.close();
