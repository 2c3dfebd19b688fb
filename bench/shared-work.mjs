// What sharing work between the runs of a grid is worth: 216 poisoned runs of alexnet-mini and their 6 clean twins under freeze: paper, on
// 1,000 digits in 20 epochs, in one process with the feature store; against (a) runs that compute the features in every epoch, and (b) runs that each
// have a store of their own. (a) and (b) do every 23rd run and are scaled by count; a result or a trained parameter that differs from the shared
// run's by a bit fails the benchmark. Processor time of the runs alone (start-up and reading the dataset are not in it), which a busy machine
// distorts least. About five minutes on a quiet machine. node bench/shared-work.mjs [--every N] [--per-class N] [--seeds N]
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { featureStore } from '../dist/data/feature-cache.js';
import { bindRun } from '../dist/runner/bind-run.js';
import { executeRun } from '../dist/runner/execute-run.js';
import { Runtime } from '../dist/runtime/node.js';
import { NUMERICS_VERSION } from '../dist/spec/identity.js';
import { experimentFrom } from '../dist/spec/parse.js';
import { planExperiment } from '../dist/spec/plan.js';
import { catalogFor } from '../dist/spec/references.js';

const { values, positionals } = parseArgs({
  options: {
    every: { type: 'string', default: '23' },
    'per-class': { type: 'string', default: '100' },
    seeds: { type: 'string', default: '6' },
  },
  allowPositionals: true,
});
const perClass = Number(values['per-class']);
const seeds = Number(values.seeds);
const spec = {
  name: 'shared-work',
  dataset: `mnist10k?perClass=${perClass}`,
  model: 'alexnet-mini',
  freeze: 'paper',
  repeats: seeds,
  training: { epochs: 20 },
  attack: {
    type: 'badnets',
    size: [0.08, 0.12, 0.16],
    position: ['top-left', 'middle', 'bottom-right'],
    color: 'white',
    poisonRate: [0.01, 0.02, 0.05, 0.1],
  },
};
const catalog = await catalogFor(spec);
const { runs } = planExperiment(experimentFrom(spec, { catalog }), catalog);

if (positionals[0] === 'child') await child(positionals[1], positionals[2]);
else main(Number(values.every));

/** Does runs of some ids and prints each one's processor time and result; states of clean twins lie in the directory. */
async function child(directory, ids) {
  const wanted = new Set(ids.split(','));
  const runtime = new Runtime({ threads: 1 });
  await bindRun(runtime, runs[0].spec, featureStore(NUMERICS_VERSION));
  const results = {};
  for (const { runId, twinId, spec } of runs) {
    if (!wanted.has(runId)) continue;
    const twin = twinId && {
      trained: new Uint8Array(readFileSync(join(directory, twinId))),
      cleanAccuracy: JSON.parse(readFileSync(join(directory, `${twinId}.json`), 'utf8')),
    };
    const before = process.cpuUsage();
    const { metrics, trained } = await executeRun(runtime, spec, twin);
    const { user, system } = process.cpuUsage(before);
    if (!twinId) {
      writeFileSync(join(directory, runId), trained);
      writeFileSync(join(directory, `${runId}.json`), JSON.stringify(metrics.cleanAccuracy));
    }
    const { seconds: _, imagesPerSecond: __, ...exact } = metrics;
    const hash = createHash('sha256').update(JSON.stringify(exact)).update(trained).digest('hex');
    results[runId] = { seconds: (user + system) / 1e6, hash };
    const done = Object.keys(results).length;
    if (done % 20 === 0) console.error(`  ${done} of ${wanted.size} runs`);
  }
  console.log(JSON.stringify(results));
}

function main(every) {
  const directory = mkdtempSync(join(tmpdir(), 'shared-work-'));
  try {
    const run = (chosen, cache, features = '20GB') => {
      const env = { ...process.env, TRIGGERLAB_CACHE: join(directory, cache), TRIGGERLAB_FEATURES: features };
      const args = [import.meta.filename, 'child', directory, chosen.map(({ runId }) => runId).join(',')];
      const options = { env, maxBuffer: 1e9, stdio: ['ignore', 'pipe', 'inherit'] };
      const size = ['--per-class', String(perClass), '--seeds', String(seeds)];
      return JSON.parse(execFileSync(process.execPath, [...args, ...size], options));
    };
    const total = (results) => Object.values(results).reduce((sum, { seconds }) => sum + seconds, 0);

    const shared = run(runs, 'shared');
    const sharedSeconds = total(shared);
    const each = (sharedSeconds / runs.length).toFixed(2);
    console.log(`shared: ${runs.length} runs, ${sharedSeconds.toFixed(1)} s of processor time, ${each} s a run`);

    const sample = runs.filter(({ twinId }) => twinId !== undefined).filter((_, i) => i % every === 0);
    const report = (name, results) => {
      const count = Object.keys(results).length;
      const scaled = (total(results) / count) * runs.length;
      const ratio = (scaled / sharedSeconds).toFixed(1);
      console.log(
        `${name}: ${(total(results) / count).toFixed(2)} s a run, ${scaled.toFixed(0)} s for ${runs.length} (scaled from ${count}): ${ratio} times as much`,
      );
      const differing = Object.keys(results).filter((id) => results[id].hash !== shared[id].hash);
      if (differing.length > 0) throw new Error(`${name}: other results than shared: ${differing.join(', ')}`);
      console.log(`  the same results and trained parameters to the last bit in all ${count}`);
    };
    report('(a) features computed in every epoch', run(sample, 'none', 'off'));
    const own = sample.map((one, i) => run([one], `own-${i}`));
    report('(b) each run with a store of its own', Object.assign({}, ...own));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
