// A real Slurm on this machine (Debian's slurm-wlm and munge, as root) does a sweep through `launch slurm`: a first job whose
// time runs out in the middle of a run, and others that finish what it began. node test/slurm/slurm.mjs
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventsOf } from '../../dist/queue/run-log.js';
import { openStore } from '../../dist/store/open.js';
import { privatePostgres } from '../support/private-postgres.mjs';
import { privateSlurm } from '../support/private-slurm.mjs';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const LIMIT_MS = 600_000;
/** Longer than the first job may work, though this machine's speed may be taken for half of what it is. */
const RUN_SECONDS = 60;
const began = performance.now();
const root = mkdtempSync(join(tmpdir(), 'triggerlab-slurm-'));
chmodSync(root, 0o755);
const work = join(root, 'work');
mkdirSync(work);
process.env.TRIGGERLAB_CACHE ??= join(root, 'cache');

const ask = (program, ...args) =>
  execFileSync(program, args, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const triggerlab = (...args) => ask(process.execPath, MAIN, ...args);
const say = (text) => console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`);

async function until(what, holds) {
  for (const deadline = Date.now() + LIMIT_MS; !(await holds()); await sleep(500)) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
  }
}

/** Submits workers through `launch slurm`: the number of their job. */
function launch(...options) {
  const { job } = JSON.parse(
    triggerlab('launch', 'slurm', ...options, '--cpus', '1', '--experiment', 'sweep', '--submit', '--json'),
  );
  say(`launch slurm ${options.join(' ')}: job ${job}`);
  return job;
}

/** What the jobs wrote, for a failure's sake. */
const jobLogs = () =>
  readdirSync(work)
    .filter((name) => name.endsWith('.log'))
    .map((name) => `${name}: ${readFileSync(join(work, name), 'utf8').slice(-2000)}`)
    .join('\n');

const sweep = (name, epochs) => `name: ${name}
dataset: shapes?train=4000&test=100
model: alexnet-mini
init: random
training: {learningRate: 0.001, epochs: ${epochs}, batchSize: 20}
seed: 0
attack: {type: badnets, size: 0.16, color: white, target: 3, poisonRate: 0.02}
`;

/** What an epoch takes on one core here. */
function secondsPerEpoch() {
  const epochs = 6;
  writeFileSync(join(work, 'speed.yaml'), sweep('speed', epochs));
  const { runs } = JSON.parse(
    triggerlab('run', 'speed.yaml', '--store', join(root, 'speed'), '--workers', '2', '--json'),
  );
  return Math.min(...runs.map(({ seconds }) => seconds)) / epochs;
}

let slurm;
let server;
let store;
try {
  slurm = await privateSlurm(root);
  say(
    `Slurm ${ask('sinfo', '--version').replace(/^\D+/, '')} on ${hostname()}: ${ask('sinfo', '-h', '-o', '%D node, %c cores, %T')}`,
  );
  server = await privatePostgres();
  process.env.TRIGGERLAB_STORE = server.url;
  // Two runs, the second compared with the first: whatever this machine's speed, one of them is in hand when the first job's time is up.
  const epochs = Math.ceil(RUN_SECONDS / secondsPerEpoch());
  say(`${epochs} epochs, for about ${RUN_SECONDS} s a run`);
  writeFileSync(join(work, 'sweep.yaml'), sweep('sweep', epochs));
  triggerlab('run', 'sweep.yaml', '--store', server.url, '--workers', '0');
  store = await openStore(server.url, { mode: 'use', artifacts: join(root, 'unused') });
  const runs = () => store.listRuns({ experiment: 'sweep' });
  const events = (runId) => eventsOf(store.database, runId);

  // Slurm counts in minutes; the grace makes the worker stop half a minute after its job has begun.
  const first = launch('--jobs', '1', '--time', '0:01:00', '--grace', '30');
  await until('the end of the first job', () => ask('squeue', '-h') === '');
  const [state] = /JobState=\w+/.exec(ask('scontrol', 'show', 'job', first)) ?? ['JobState unknown'];
  const planned = await runs();
  const cut = [];
  for (const { runId } of planned) {
    if ((await events(runId)).some(({ kind }) => kind === 'handed back')) cut.push(runId);
  }
  const done = planned.filter(({ status }) => status === 'done').length;
  say(
    `after the first job (${state}): ${done} of ${planned.length} runs done, ${cut.length} handed back with a checkpoint`,
  );
  if (cut.length !== 1) throw new Error('the first job should have been stopped in the middle of a run');

  launch('--jobs', '2', '--time', '0:10:00');
  await until('the end of the sweep', async () => (await runs()).every(({ status }) => status === 'done'));
  // The log of a run may reach the store a moment after its result.
  await until('the log of the run', async () => (await events(cut[0])).some(({ kind }) => kind === 'done'));
  const history = await events(cut[0]);
  const before = history.find(({ kind }) => kind === 'handed back').worker;
  const after = history.findLast(({ kind }) => kind === 'done').worker;
  const resumed = history.find(({ kind }) => kind === 'resumed');
  if (!resumed || before === after) throw new Error('the run should have been resumed by another worker');
  say(
    `all done; run ${cut[0]} was begun by ${before} and finished by ${after} from step ${resumed.detail.steps}: passed`,
  );
} catch (error) {
  if (existsSync(work)) console.error(jobLogs());
  console.error(error.stderr?.toString() ?? '', slurm?.logs() ?? '');
  throw error;
} finally {
  await slurm?.stop();
  await store?.close();
  server?.stop();
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
