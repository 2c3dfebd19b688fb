// What is made once and then read from the cache directory: a new store's database, and the built-in datasets. Each is asked for in
// a process of its own, with an empty cache and again. node bench/fresh.mjs
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directory = mkdtempSync(join(tmpdir(), 'fresh-bench-'));
const built = (file) => JSON.stringify(new URL(`../dist/${file}`, import.meta.url).href);
const WORK = {
  'a new store': `const { openStore } = await import(${built('store/open.js')});
    work = async () => (await openStore(process.argv[1], { mode: 'own' })).close();`,
  ...Object.fromEntries(
    ['shapes', 'mnist10k'].map((name) => [
      name,
      `const { datasets } = await import(${built('data/registry.js')});
      work = () => datasets.get('${name}').load();`,
    ]),
  ),
};
const MEASURE = `const [before, started] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(before);
  console.log(((user + system) / 1e6).toFixed(2), ((performance.now() - started) / 1e3).toFixed(2));`;

try {
  for (const [name, prepare] of Object.entries(WORK)) {
    for (const cache of ['empty', 'filled']) {
      const env = { ...process.env, TRIGGERLAB_CACHE: join(directory, 'cache') };
      const program = `let work; ${prepare} ${MEASURE}`;
      const args = ['--input-type=module', '--eval', program, join(directory, `store-${cache}`)];
      const [cpu, wall] = execFileSync(process.execPath, args, { env, encoding: 'utf8' }).trim().split(' ');
      console.log(`${name.padEnd(12)} cache ${cache.padEnd(6)} ${cpu} s of processor time, ${wall} s`);
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
