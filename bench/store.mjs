// How fast a large store answers: 11,180 synthetic runs (made up, measured by nobody) with results and 20 epochs each.
// node bench/store.mjs [postgres://…] — the embedded database unless a server is named. The times are those of a store that is open;
// what the commands take from start to end is measured after that.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readGroups } from '../dist/cli/results-groups.js';
import { runsText } from '../dist/cli/results-text.js';
import { failureGroups } from '../dist/queue/retry.js';
import { sweepStatus } from '../dist/queue/status.js';
import { openStore } from '../dist/store/open.js';
import { parseConditions } from '../dist/store/where.js';
import { fillWithSyntheticRuns } from '../test/support/synthetic-store.mjs';

const REPEATS = 9;
const server = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), 'store-bench-'));
const store = await openStore(server ?? directory, { mode: 'own', artifacts: join(directory, 'artifacts') });
const runs = await fillWithSyntheticRuns(store);

async function measure(name, work, { elsewhere = false } = {}) {
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
  const memory = (process.memoryUsage.rss() / 1e6).toFixed(0);
  const here = `, ${processor.toFixed(0)} ms of processor time; ${memory} MB resident`;
  console.log(`${name}: median ${median.toFixed(0)} ms${elsewhere ? '' : here}`);
}

const select = () => store.select('synthetic');
const page = async (selection, offset) => {
  const [some, counts] = await Promise.all([selection.runs({ limit: 100, offset }), selection.counts()]);
  return runsText(some, { offset, counts });
};
const group = async (selection, fields) => readGroups(selection, fields, { every: false, stealth: [] });
const narrow = async (text) => (await select()).where(parseConditions(text), '--where');

await measure('status', async () => {
  await sweepStatus(store.database, 'synthetic');
  await failureGroups(store.database, 'synthetic');
  await store.listExperiments();
});
await measure('results (100 of them)', async () => page(await select(), 0));
await measure('results --offset 11000', async () => page(await select(), 11_000));
await measure('results without an experiment', async () => page(await store.select(), 0));
await measure('results --where model=alexnet,dataset=mnist', async () =>
  page(await narrow('model=alexnet,dataset=mnist'), 0),
);
await measure('results --where status=done,seed=3', async () => page(await narrow('status=done,seed=3'), 0));
await measure('results --group-by model,poisonRate', async () => group(await select(), 'model,poisonRate'));
await measure('results --group-by seed', async () => group(await select(), 'seed'));
await measure('every run, in batches (--json, CSV)', async () => {
  for await (const _ of (await select()).batches());
});
await measure('every run at once (report)', () => store.listRuns({ experiment: 'synthetic' }));
if (server) {
  await store.removeRuns(runs.map(({ runId }) => runId));
  await store.database.query("DELETE FROM experiments WHERE name = 'synthetic'");
}
await store.close();

if (!server) {
  const main = resolve(import.meta.dirname, '../dist/cli/main.js');
  for (const args of [
    ['--help'],
    ['status', 'synthetic'],
    ['results', 'synthetic'],
    ['results', 'synthetic', '--group-by', 'model'],
  ]) {
    const full = args[0].startsWith('-') ? args : [...args, '--store', directory];
    const command = () => execFileSync(process.execPath, [main, ...full]);
    await measure(`triggerlab ${args.join(' ')}, start-up and all`, command, { elsewhere: true });
  }
}
rmSync(directory, { recursive: true });
