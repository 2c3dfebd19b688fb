// A sweep whose processes are killed at random moments, against one that nobody disturbs: every run has one result, and the
// results are the same to the last bit. node test/faults/faults.mjs [--runs 200] [--kills 50] [--on pglite,postgres] [--seed 1]
// With --outage SECONDS nobody is killed but the PostgreSQL server, which stays away for so long in the middle of the sweep.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Rng } from '../../dist/core/rng.js';
import { openStore } from '../../dist/store/open.js';
import { measured, sameRuns } from '../support/measured.mjs';
import { privatePostgres } from '../support/private-postgres.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    kills: { type: 'string', default: '50' },
    on: { type: 'string', default: 'pglite,postgres' },
    seed: { type: 'string', default: '1' },
    outage: { type: 'string' },
  },
});
const RUNS = Number(values.runs);
/** Seconds. */
const OUTAGE = Number(values.outage ?? 0);
const KILLS = OUTAGE > 0 ? 1 : Number(values.kills);
const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const SEEDS = RUNS < 100 ? 2 : 4;
/** Kills fall due while so much of the sweep is done: each of them finds work going on. */
const LAST_KILL = RUNS < 100 ? 0.4 : 0.85;
const DELAY_MS = RUNS < 100 ? 700 : 1500;

const poisoned = (RUNS - SEEDS) / SEEDS;
if (!Number.isInteger(poisoned) || poisoned < 1)
  throw new Error(`--runs: expected a multiple of ${SEEDS}, at least ${2 * SEEDS}`);
const root = mkdtempSync(join(tmpdir(), 'triggerlab-faults-'));
process.env.TRIGGERLAB_CACHE ??= join(root, 'cache');
delete process.env.TRIGGERLAB_ARTIFACTS;
writeFileSync(
  join(root, 'faults.yaml'),
  `name: faults
dataset: shapes?train=100&test=40
model: alexnet-mini
init: random
training: {learningRate: 0.001, epochs: 8, batchSize: 20}
seed: [${Array.from({ length: SEEDS }, (_, i) => i)}]
attack: {type: badnets, size: 0.16, color: white, target: 3, poisonRate: [${Array.from({ length: poisoned }, (_, i) => ((i + 1) / (2 * poisoned)).toFixed(4))}]}
`,
);

/** Starts a command in a folder of its own; `done` is how many runs it has said to be done. */
function start(folder, args) {
  mkdirSync(join(root, folder), { recursive: true });
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: join(root, folder),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (said[name] += text));
  const ended = new Promise((end) => child.on('close', (code, signal) => end({ code, signal, ...said })));
  const done = () =>
    Math.max(
      0,
      ...[...said.stderr.matchAll(/\[ *(\d+)\/\d+\]|(\d+) of \d+ runs are done/g)].map((m) => Number(m[1] ?? m[2])),
    );
  return { child, ended, said, done, live: () => child.exitCode === null && child.signalCode === null };
}

async function complete(folder, args) {
  const { code, stdout, stderr } = await start(folder, args).ended;
  if (code !== 0) throw new Error(`triggerlab ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return JSON.parse(stdout);
}

/** The processes of a command that do its runs. */
function runnersOf({ child: { pid } }) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Kills one of the runner processes that there are: false when there was none, or it has just ended by itself. */
function killRunner(commands, rng) {
  const all = commands.flatMap(runnersOf);
  if (all.length === 0) return false;
  try {
    return process.kill(all[rng.int(0, all.length - 1)], 'SIGKILL');
  } catch {
    return false;
  }
}

/** The commands that work on a store together: each starts it and gives it. */
function commandsOn(kind, store, server) {
  const options = ['--store', store, '--attempts', '1000', '--lease', '3', '--checkpoint', '0.1'];
  return {
    run: () => start(kind, ['run', '../faults.yaml', ...options, '--workers', server ? '2' : '4', '--json']),
    worker: () => start(`${kind}-worker`, ['worker', ...options, '--workers', '2', '--idle', '0']),
  };
}

/** The sweep while the server is away for long. @throws Error unless everybody waits for it and the sweep comes to its end. */
async function waitOut(kind, store, server) {
  const starting = commandsOn(kind, store, server);
  const live = { run: starting.run() };
  const said = (name) => live[name].said.stderr;
  try {
    while (live.run.live() && live.run.done() === 0) await sleep(20);
    live.worker = starting.worker();
    while (live.run.live() && said('worker') === '') await sleep(20);
    if (!live.run.live())
      throw new Error(`the sweep was over before the server went away:\n${said('run').slice(-3000)}`);
    server.halt();
    await sleep(1000 * OUTAGE);
    server.start();
    const { code } = await live.run.ended;
    if (code !== 0) throw new Error(`the sweep ended with ${code}:\n${said('run').slice(-3000)}`);
    for (const name of Object.keys(live)) {
      if (!/cannot be reached: waiting.*the database is back/s.test(said(name)))
        throw new Error(`the ${name} did not wait for the server:\n${said(name).slice(-3000)}`);
    }
    return { outage: 1 };
  } finally {
    live.worker?.child.kill('SIGTERM');
    live.run.child.kill('SIGKILL');
    await Promise.all(Object.values(live).map(({ ended }) => ended));
  }
}

/** The sweep with its kills: how many of each kind there were. @throws Error when it does not come to its end. */
async function disturb(kind, store, server, rng) {
  const starting = commandsOn(kind, store, server);
  const live = { run: starting.run() };
  const kills = { runner: 0, run: 0, worker: 0, server: 0 };
  const victims = ['runner', 'runner', 'run', ...(server ? ['worker', 'server'] : [])];
  const due = Array.from({ length: KILLS }, () => rng.int(0, Math.floor(LAST_KILL * RUNS))).sort((a, b) => a - b);
  let done = 0;
  const progress = () => (done = Math.max(done, live.run.done()));
  try {
    for (const threshold of due) {
      const victim = victims[rng.int(0, victims.length - 1)];
      const delay = rng.int(0, DELAY_MS);
      while (live.run.live() && progress() < threshold) await sleep(20);
      await sleep(delay);
      // Workers need a store that somebody has planned in.
      if (server && !live.worker && done > 0) live.worker = starting.worker();
      while (live.run.live() && victim === 'runner' && !killRunner(Object.values(live), rng)) await sleep(20);
      if (!live.run.live()) break;
      if (victim === 'server') server.restart();
      else if (victim === 'worker') {
        live.worker?.child.kill('SIGKILL');
        await live.worker?.ended;
        live.worker = starting.worker();
      } else if (victim === 'run') {
        live.run.child.kill('SIGKILL');
        await live.run.ended;
        live.run = starting.run();
      }
      kills[victim]++;
    }
    const { code, stderr } = await live.run.ended;
    if (code !== 0) throw new Error(`the disturbed sweep on ${kind} ended with ${code}:\n${stderr.slice(-3000)}`);
    return kills;
  } finally {
    live.worker?.child.kill('SIGTERM');
    live.run.child.kill('SIGKILL');
    await Promise.all(Object.values(live).map(({ ended }) => ended));
  }
}

/** What the store's own log tells of the sweep, and files that should be gone. */
async function aftermath(kind, location) {
  const store = await openStore(kind === 'pglite' ? join(root, kind, location) : location, { mode: 'use' });
  try {
    const [row] = await store.database.query(
      `SELECT (count(*) FILTER (WHERE kind = 'resumed'))::int AS resumed,
              (SELECT max(attempts) FROM runs) AS attempts FROM run_events`,
    );
    return row;
  } finally {
    await store.close();
  }
}

/** Files that dead processes left behind beside a sweep's store. */
function leftovers(kind) {
  return readdirSync(join(root, kind), { recursive: true }).filter((name) => /\.tmp$|checkpoints\/./.test(name));
}

async function compare(kind, whole) {
  const started = performance.now();
  const server = kind === 'postgres' ? await privatePostgres() : undefined;
  const store = server?.url ?? 'store';
  try {
    const rng = Rng.of(Number(values.seed), 'faults', kind);
    const kills = await (OUTAGE > 0 ? waitOut(kind, store, server) : disturb(kind, store, server, rng));
    // Once more, undisturbed: nothing is left to do, and what the dead left is put away.
    await complete(kind, ['run', '../faults.yaml', '--store', store, '--json']);
    const results = await complete(kind, ['results', 'faults', '--store', store, '--json']);
    const { resumed, attempts } = await aftermath(kind, store);
    const found = measured(results);
    const done = results.runs.filter(({ status }) => status === 'done').length;
    const same = sameRuns(whole, found);
    const total = Object.values(kills).reduce((sum, n) => sum + n, 0);
    const detail = Object.entries(kills)
      .filter(([, n]) => n > 0)
      .map(([name, n]) => `${name} ${n}`)
      .join(', ');
    const left = leftovers(kind);
    const good =
      [results.runs.length, found.size, done, same].every((n) => n === RUNS) && total === KILLS && left.length === 0;
    if (left.length > 0) console.log(`${kind}: left behind: ${left.join(', ')}`);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(
      `${kind}: ${OUTAGE > 0 ? `${OUTAGE} s without the server` : `${total} of ${KILLS} kills (${detail})`}; ${done} of ${RUNS} runs done, ${same} the same to the last bit; ` +
        `${resumed} times gone on from a checkpoint, at most ${attempts} attempts; ${seconds} s: ${good ? 'passed' : 'FAILED'}`,
    );
    return good;
  } finally {
    server?.stop();
  }
}

try {
  const began = performance.now();
  const whole = measured(await complete('whole', ['run', '../faults.yaml', '--workers', '4', '--json']));
  console.log(`undisturbed: ${whole.size} runs, ${((performance.now() - began) / 1000).toFixed(0)} s`);
  for (const kind of OUTAGE > 0 ? ['postgres'] : values.on.split(','))
    if (!(await compare(kind, whole))) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
