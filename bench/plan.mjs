// How long `triggerlab plan suites/sok.yaml` (11,180 runs) takes to show its counts and its whole answer, start-up and all, with
// and without a calibration; and where the time goes. Nothing else should run beside it: node bench/plan.mjs [repeats]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadSpec } from '../dist/cli/load-plan.js';
import { forecastOf } from '../dist/cli/plan-forecast.js';
import { keepMeasurements } from '../dist/runner/forecast/calibration.js';

const spec = resolve(import.meta.dirname, '../suites/sok.yaml');
const main = resolve(import.meta.dirname, '../dist/cli/main.js');
const repeats = Number(process.argv[2] ?? 7);
const cache = mkdtempSync(join(tmpdir(), 'triggerlab-bench-plan-'));
process.env.TRIGGERLAB_CACHE = cache;

function shown(name, times) {
  const sorted = [...times].sort((a, b) => a - b);
  const [least, median, most] = [0, sorted.length >> 1, sorted.length - 1].map((at) => sorted[at].toFixed(0));
  console.log(`${name}: median ${median} ms (${least} to ${most})`);
}

/** Milliseconds until the command has written something, and until it has ended. */
async function timed(args) {
  const started = performance.now();
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let first;
  child.stdout.on('data', () => {
    first ??= performance.now() - started;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`triggerlab ${args.join(' ')} ended with ${code}`);
  return { first, whole: performance.now() - started };
}

async function measure(name, args) {
  const times = [];
  for (let i = 0; i < repeats; i++) times.push(await timed(args));
  if (args.length === 2 && args[1] === spec) {
    shown(
      `${name}, counts`,
      times.map(({ first }) => first),
    );
  }
  shown(
    name,
    times.map(({ whole }) => whole),
  );
}

try {
  const before = process.cpuUsage();
  const loaded = await loadSpec(spec, []);
  const planned = process.cpuUsage(before);
  await forecastOf(loaded, []);
  const all = process.cpuUsage(before);
  const seconds = ({ user, system }) => ((user + system) / 1e6).toFixed(2);
  console.log(
    `processor time: planned after ${seconds(planned)} s, predicted after ${seconds(all)} s, loading not counted`,
  );
  for (const args of [['--help'], ['plan', '--help']]) await measure(`triggerlab ${args.join(' ')}`, args);
  await measure('triggerlab plan suites/sok.yaml', ['plan', spec]);
  // Made up: how long a prediction takes does not depend on what was measured.
  const rate = { seconds: 1e-3, multiplyAdds: 1e9 };
  const measurements = ['alexnet', 'googlenet', 'vgg19_bn', 'resnet152'].map((model) => ({
    ...{ model, freeze: 'paper', inputSize: 128, batch: 128, threads: 1 },
    ...{ features: rate, step: rate, evaluation: rate },
  }));
  await keepMeasurements(measurements, 'made up');
  await measure('triggerlab plan suites/sok.yaml, calibrated', ['plan', spec]);
} finally {
  rmSync(cache, { recursive: true, force: true });
}
