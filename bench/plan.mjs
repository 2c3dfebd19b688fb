// How long planning takes: the 11,180 runs of suites/sok.yaml in a process that has started, and `triggerlab plan` with its start-up.
// node bench/plan.mjs
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { loadPlan } from '../dist/cli/load-plan.js';

const spec = resolve(import.meta.dirname, '../suites/sok.yaml');
const main = resolve(import.meta.dirname, '../dist/cli/main.js');
const REPEATS = 5;

async function measure(name, work) {
  const times = [];
  for (let i = 0; i < REPEATS; i++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  const [median] = times.sort((a, b) => a - b).slice(REPEATS >> 1);
  console.log(`${name}: median ${median.toFixed(0)} ms`);
}

const before = process.cpuUsage();
await measure('suites/sok.yaml planned', () => loadPlan(spec, []));
const { user, system } = process.cpuUsage(before);
console.log(`processor time of one: ${((user + system) / 1000 / REPEATS).toFixed(0)} ms`);
for (const args of [['--version'], ['--help'], ['plan', '--help'], ['plan', spec]]) {
  await measure(`triggerlab ${args.join(' ')}, start-up and all`, () =>
    execFileSync(process.execPath, [main, ...args]),
  );
}
