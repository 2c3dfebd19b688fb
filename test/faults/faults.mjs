// A sweep whose processes are killed at random moments, against one that nobody disturbs: every run has one result, and the
// results are the same to the last bit. node test/faults/faults.mjs [--runs 200] [--kills 50] [--on pglite,postgres] [--seed 1]
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Rng } from '../../dist/core/rng.js';
import { privatePostgres } from '../support/private-postgres.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    kills: { type: 'string', default: '50' },
    on: { type: 'string', default: 'pglite,postgres' },
    seed: { type: 'string', default: '1' },
  },
});
const RUNS = Number(values.runs);
const KILLS = Number(values.kills);
const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const SEEDS = 4;
const TIMES = ['seconds', 'imagesPerSecond', 'startedAt', 'finishedAt', 'environment'];

const root = mkdtempSync(join(tmpdir(), 'triggerlab-faults-'));
process.env.TRIGGERLAB_CACHE ??= join(root, 'cache');
const poisoned = (RUNS - SEEDS) / SEEDS;
if (!Number.isInteger(poisoned) || poisoned < 1)
  throw new Error(`--runs: expected a multiple of ${SEEDS}, at least ${2 * SEEDS}`);
writeFileSync(
  join(root, 'faults.yaml'),
  `name: faults
dataset: shapes?train=200&test=60
model: alexnet-mini
init: random
training: {learningRate: 0.001, epochs: 2, batchSize: 20}
seed: [${Array.from({ length: SEEDS }, (_, i) => i)}]
attack: {type: badnets, size: 0.16, color: white, target: 3, poisonRate: [${Array.from({ length: poisoned }, (_, i) => ((i + 1) / (2 * poisoned)).toFixed(4))}]}
`,
);

function start(folder, args) {
  mkdirSync(join(root, folder), { recursive: true });
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: join(root, folder),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (said[name] += text));
  const ended = new Promise((done) => child.on('close', (code, signal) => done({ code, signal, ...said })));
  return { child, ended, said };
}

async function complete(folder, args) {
  const { code, stdout, stderr } = await start(folder, args).ended;
  if (code !== 0) throw new Error(`triggerlab ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return JSON.parse(stdout);
}

/** What must repeat, by run. */
const measured = ({ runs }) =>
  new Map(
    runs.map((run) => [
      run.runId,
      JSON.stringify(Object.fromEntries(Object.entries(run).filter(([name]) => !TIMES.includes(name)))),
    ]),
  );

/** Processes that a process has started. */
function childrenOf(pid) {
  try {
    return execFileSync('pgrep', ['-P', String(pid), '-f', 'runner/child.js'], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}

async function disturbed(kind, rng) {
  const server = kind === 'postgres' ? await privatePostgres() : undefined;
  const store = server?.url ?? 'store';
  const options = ['--store', store, '--attempts', '1000', '--lease', '3', '--checkpoint', '1'];
  const starting = {
    run: () => start(kind, ['run', '../faults.yaml', ...options, '--workers', server ? '2' : '4', '--json']),
    worker: () => start(`${kind}-worker`, ['worker', ...options, '--workers', '2', '--idle', '100000']),
  };
  const live = { run: starting.run(), ...(server && { worker: starting.worker() }) };
  const kills = { child: 0, run: 0, worker: 0, server: 0 };
  // A kill falls due when so many runs are done, so that they are spread over the sweep.
  const due = Array.from({ length: KILLS }, () => rng.int(0, RUNS - 2)).sort((a, b) => a - b);
  const doneSoFar = () =>
    Math.max(
      0,
      ...[...live.run.said.stderr.matchAll(/\[ *(\d+)\/\d+\]|(\d+) of \d+ runs are done/g)].map((m) =>
        Number(m[1] ?? m[2]),
      ),
    );
  let done = 0;
  const over = { yes: false };
  for (const threshold of due) {
    while (!over.yes && done < threshold) {
      if (live.run.child.exitCode !== null) over.yes = true;
      await sleep(20);
      done = Math.max(done, doneSoFar());
    }
    if (over.yes) break;
    await sleep(rng.int(0, 600));
    const victims = ['child', 'child', 'run', ...(server ? ['worker', 'server'] : [])];
    const victim = victims[rng.int(0, victims.length - 1)];
    if (victim === 'server') server.restart();
    else if (victim === 'child') {
      const all = [live.run, live.worker].flatMap((process) => (process ? childrenOf(process.child.pid) : []));
      if (all.length === 0) continue;
      try {
        process.kill(all[rng.int(0, all.length - 1)], 'SIGKILL');
      } catch {
        continue;
      }
    } else {
      if (live[victim].child.exitCode !== null) break;
      live[victim].child.kill('SIGKILL');
      await live[victim].ended;
      live[victim] = starting[victim]();
    }
    kills[victim]++;
  }
  const { code, stderr } = await live.run.ended;
  live.worker?.child.kill('SIGTERM');
  await live.worker?.ended;
  if (code !== 0) throw new Error(`the disturbed sweep on ${kind} ended with ${code}:\n${stderr.slice(-3000)}`);
  const results = await complete(kind, ['results', 'faults', '--store', store, '--json']);
  server?.stop();
  return { results, kills };
}

let failed = false;
try {
  const began = performance.now();
  const whole = measured(await complete('whole', ['run', '../faults.yaml', '--workers', '4', '--json']));
  console.log(`undisturbed: ${whole.size} runs, ${((performance.now() - began) / 1000).toFixed(0)} s`);
  for (const kind of values.on.split(',')) {
    const started = performance.now();
    const { results, kills } = await disturbed(kind, Rng.of(Number(values.seed), 'faults', kind));
    const found = measured(results);
    const done = results.runs.filter(({ status }) => status === 'done').length;
    const same = [...whole].filter(([id, run]) => found.get(id) === run).length;
    const total = Object.values(kills).reduce((sum, n) => sum + n, 0);
    const detail = Object.entries(kills)
      .filter(([, n]) => n > 0)
      .map(([name, n]) => `${name} ${n}`)
      .join(', ');
    const good =
      results.runs.length === RUNS && found.size === RUNS && done === RUNS && same === RUNS && total >= KILLS * 0.8;
    failed ||= !good;
    console.log(
      `${kind}: ${total} kills (${detail}); ${done} of ${RUNS} done, ${same} the same to the last bit, ${((performance.now() - started) / 1000).toFixed(0)} s: ${good ? 'passed' : 'FAILED'}`,
    );
  }
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = failed ? 1 : 0;
