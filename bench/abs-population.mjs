// ABS over every classifier of a store, clean and backdoored: one line of JSON per classifier, resumable.
//   triggerlab run suites/defense-population.yaml --store population
//   node bench/abs-population.mjs --store population --out abs.jsonl [--parameters '{"maskShare":0.02}'] [--run ID,ID] [--match resnet-mini]
// What it comes to: node bench/abs-figures.mjs abs.jsonl
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { abs } from '../dist/defenses/abs.js';
import { bindRun } from '../dist/runner/bind-run.js';
import { defenseSubject } from '../dist/runner/execute-defense.js';
import { Runtime } from '../dist/runtime/node.js';
import { CHOICE, classifiers } from './classifiers.mjs';

const { values } = parseArgs({
  options: {
    ...CHOICE,
    out: { type: 'string', default: 'abs.jsonl' },
    parameters: { type: 'string', default: '{}' },
    threads: { type: 'string', default: '1' },
  },
});
const parameters = abs.parameters.parse(JSON.parse(values.parameters));
const keyOf = (runId, settings) => `${runId} ${JSON.stringify(settings)}`;
const found = await classifiers(
  values,
  values.out,
  (line) => keyOf(line.runId, line.parameters),
  (runId) => keyOf(runId, parameters),
);
const runtime = new Runtime({ threads: Number(values.threads) });
for (const { run, trained } of found) {
  const { runId, spec, metrics } = run;
  const subject = defenseSubject(runtime, spec, await bindRun(runtime, spec), trained);
  const before = process.cpuUsage();
  const started = performance.now();
  const result = await abs.run(subject, parameters, {});
  const { user, system } = process.cpuUsage(before);
  const line = {
    ...{ runId, model: spec.model, dataset: spec.dataset, attack: spec.attack, modelSeed: spec.seed, parameters },
    ...{ target: spec.attack.type === 'none' ? null : spec.targetClass, asr: metrics?.asr ?? null },
    ...{ metrics: result.metrics, candidates: result.details.candidates },
    cost: { seconds: (performance.now() - started) / 1000, ...result.cost },
    cpuSeconds: (user + system) / 1e6,
  };
  appendFileSync(values.out, `${JSON.stringify(line)}\n`);
  const { reasr, suspectClass, maskPixels } = result.metrics;
  console.error(
    `${runId.slice(0, 8)} ${spec.model} ${spec.attack.type} target ${line.target}: REASR ${reasr}, class ${suspectClass}, mask ${maskPixels?.toFixed(1)}; ${line.cpuSeconds.toFixed(1)} s of processor time`,
  );
}
await runtime.close();
