// A real Slurm on this machine (Debian's slurm-wlm and munge, as root) does a sweep through `launch slurm`: a first job whose
// time runs out in the middle of a run, and a second that finishes what it began. node test/slurm/slurm.mjs
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { privatePostgres } from '../support/private-postgres.mjs';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const LIMIT_MS = 600_000;
if (process.getuid?.() !== 0) throw new Error('Slurm is set up as root here');
for (const program of ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/sbin/munged']) {
  if (!existsSync(program)) throw new Error(`${program} is missing: apt-get install slurm-wlm munge`);
}
const root = mkdtempSync(join(tmpdir(), 'triggerlab-slurm-'));
chmodSync(root, 0o755);
process.env.SLURM_CONF = join(root, 'slurm.conf');
for (const name of ['state', 'spool', 'work']) mkdirSync(join(root, name));
writeFileSync(
  process.env.SLURM_CONF,
  `ClusterName=test
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
JobAcctGatherType=jobacct_gather/none
StateSaveLocation=${root}/state
SlurmdSpoolDir=${root}/spool
SlurmctldPidFile=${root}/slurmctld.pid
SlurmdPidFile=${root}/slurmd.pid
SlurmctldLogFile=${root}/slurmctld.log
SlurmdLogFile=${root}/slurmd.log
NodeName=localhost CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
`,
);

const services = [];
function service(program, args) {
  const child = spawn(program, args, { stdio: 'ignore' });
  services.push(child);
  return child;
}

const work = join(root, 'work');
const ask = (program, ...args) =>
  execFileSync(program, args, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const triggerlab = (...args) => ask(process.execPath, MAIN, ...args);

async function until(what, holds) {
  const deadline = Date.now() + LIMIT_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(500);
  }
}

const jobs = () => ask('squeue', '-h', '-o', '%i %T').trim();
const eventsOf = (runId) =>
  JSON.parse(triggerlab('logs', runId, '--store', process.env.TRIGGERLAB_STORE, '--json')).events;

let server;
try {
  mkdirSync('/run/munge', { recursive: true });
  execFileSync('chown', ['munge:munge', '/run/munge']);
  service('su', ['munge', '-s', '/bin/sh', '-c', 'exec /usr/sbin/munged --foreground --force']);
  await until('munge', () => existsSync('/run/munge/munge.socket.2'));
  service('/usr/sbin/slurmctld', ['-D', '-f', process.env.SLURM_CONF]);
  service('/usr/sbin/slurmd', ['-D', '-N', 'localhost', '-f', process.env.SLURM_CONF]);
  await until('an idle node', () => {
    try {
      return ask('sinfo', '-h', '-o', '%T').trim() === 'idle';
    } catch {
      return false;
    }
  });
  server = await privatePostgres();
  process.env.TRIGGERLAB_STORE = server.url;
  process.env.TRIGGERLAB_CACHE ??= join(root, 'cache');
  // Long enough that a run is in hand when the first job's time is up.
  writeFileSync(
    join(work, 'sweep.yaml'),
    `name: sweep
dataset: shapes?train=400&test=100
model: alexnet-mini
init: random
training: {learningRate: 0.001, epochs: 400, batchSize: 20}
seed: [0, 1]
attack: {type: badnets, size: 0.16, color: white, target: 3, poisonRate: 0.02}
`,
  );
  triggerlab('run', 'sweep.yaml', '--store', server.url, '--workers', '0');
  const short = ['--jobs', '1', '--cpus', '1', '--time', '0:01:00', '--grace', '40', '--submit'];
  console.log(triggerlab('launch', 'slurm', ...short).trim());
  await until('the end of the first job', () => jobs() === '');
  const runs = () => JSON.parse(triggerlab('results', 'sweep', '--store', server.url, '--json')).runs;
  const cut = runs().filter(({ runId }) => eventsOf(runId).some(({ kind }) => kind === 'handed back'));
  console.log(
    `after the first job: ${runs().filter(({ status }) => status === 'done').length} of 4 runs done, ${cut.length} handed back with a checkpoint`,
  );
  if (cut.length !== 1) throw new Error('the first job should have been stopped in the middle of a run');
  console.log(triggerlab('launch', 'slurm', '--jobs', '2', '--cpus', '1', '--time', '0:10:00', '--submit').trim());
  await until('the end of the sweep', () => runs().every(({ status }) => status === 'done'));
  const events = eventsOf(cut[0].runId);
  const first = events.find(({ kind }) => kind === 'handed back').worker;
  const last = events.findLast(({ kind }) => kind === 'done').worker;
  const resumed = events.find(({ kind }) => kind === 'resumed');
  if (!resumed || first === last) throw new Error('the run should have been resumed by another worker');
  console.log(
    `all done; run ${cut[0].runId} was begun by ${first} and finished by ${last} from step ${resumed.detail.steps}: passed (node ${hostname()})`,
  );
  ask('scancel', '--full', '--signal=TERM', '--name=triggerlab');
} catch (error) {
  console.error(error.stderr?.toString() ?? '');
  for (const log of ['slurmctld.log', 'slurmd.log']) {
    if (existsSync(join(root, log)))
      console.error(readFileSync(join(root, log), 'utf8').split('\n').slice(-10).join('\n'));
  }
  throw error;
} finally {
  for (const child of services.reverse()) {
    child.kill('SIGTERM');
    await sleep(200);
  }
  server?.stop();
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
