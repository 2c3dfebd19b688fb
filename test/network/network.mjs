// Three workers, each in a network, process and mount namespace of its own, share a sweep through one PostgreSQL server and
// nothing else: no memory, no files, no host name. One is cut off the network for a while. node test/network/network.mjs (as root)
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../dist/store/open.js';
import { measured, sameRuns } from '../support/measured.mjs';
import { privatePostgres } from '../support/private-postgres.mjs';

const PROGRAM = resolve(import.meta.dirname, '../..');
const MAIN = join(PROGRAM, 'dist/cli/main.js');
const LIMIT_MS = 300_000;
const LEASE_SECONDS = 2;
const HOSTS = ['alpha', 'beta', 'gamma'];
/** Addresses that no router hands out (RFC 2544), the last one this process's own. */
const NETWORK = `198.18.${process.pid % 256}`;

const began = performance.now();
const say = (text) => console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`);
const root = mkdtempSync(join(tmpdir(), 'triggerlab-network-'));
const tag = `tl${process.pid % 100_000}`;
const bridge = `${tag}br`;
const ip = (...args) => execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const namespaceOf = (index) => `${tag}-${HOSTS[index]}`;
const linkOf = (index) => `${tag}h${index}`;

function buildNetwork() {
  ip('link', 'add', bridge, 'type', 'bridge');
  ip('address', 'add', `${NETWORK}.1/24`, 'dev', bridge);
  ip('link', 'set', bridge, 'up');
  for (const index of HOSTS.keys()) {
    const name = namespaceOf(index);
    ip('netns', 'add', name);
    ip('link', 'add', linkOf(index), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', linkOf(index), 'master', bridge, 'up');
    ip('-n', name, 'address', 'add', `${NETWORK}.${index + 2}/24`, 'dev', 'eth0');
    for (const link of ['lo', 'eth0']) ip('-n', name, 'link', 'set', link, 'up');
  }
}

function removeNetwork() {
  for (const args of [...HOSTS.keys()]
    .map((index) => ['netns', 'del', namespaceOf(index)])
    .concat([['link', 'del', bridge]])) {
    try {
      ip(...args);
    } catch {
      // It was not made.
    }
  }
}

/** A worker that sees an empty /tmp, /dev/shm and home of its own, no process but its own, and one network interface. */
function startWorker(index, url) {
  const inside = [
    // The program itself stays in reach, wherever it lies: below /tmp as well.
    'mount --make-rprivate / && mount -t tmpfs none /mnt && mkdir /mnt/program && mount --bind "$PROGRAM" /mnt/program',
    'mount -t tmpfs none /dev/shm && mount -t tmpfs none /tmp && mkdir /tmp/work && cd /tmp/work',
    `hostname ${HOSTS[index]} && export HOME=/tmp TRIGGERLAB_CACHE=/tmp/cache && unset TRIGGERLAB_ARTIFACTS`,
    `exec "$@"`,
  ].join(' && ');
  const worker = [
    'worker',
    '--store',
    url,
    '--workers',
    '1',
    '--lease',
    String(LEASE_SECONDS),
    '--checkpoint',
    '0.2',
    '--idle',
    '0',
  ];
  const child = spawn(
    'ip',
    [
      ...['netns', 'exec', namespaceOf(index)],
      ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--ipc', '--uts'],
      ...['sh', '-c', inside, 'sh', process.execPath, '/mnt/program/dist/cli/main.js', ...worker],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PROGRAM } },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  return { child, said: () => said, ended: new Promise((end) => child.on('close', end)) };
}

/** Runs a command of ours here to its end. */
function triggerlab(...args) {
  const out = execFileSync(process.execPath, [MAIN, ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1e8,
  });
  return args.includes('--json') ? JSON.parse(out) : out;
}

async function until(what, workers, holds) {
  for (const deadline = Date.now() + LIMIT_MS; !(await holds()); await sleep(100)) {
    const dead = workers.find(({ child }) => child.exitCode !== null);
    if (dead || Date.now() > deadline) {
      throw new Error(
        `${dead ? 'a worker ended before' : 'waited in vain for'} ${what}\n${workers.map(({ said }) => said()).join('\n')}`,
      );
    }
  }
}

writeFileSync(
  join(root, 'shared.yaml'),
  `name: shared
dataset: shapes?train=100&test=40
model: alexnet-mini
init: random
training: {learningRate: 0.001, epochs: 20, batchSize: 20}
seed: [0, 1, 2]
attack: {type: badnets, size: 0.16, color: white, target: 3, poisonRate: [0.1, 0.2, 0.3, 0.4, 0.5]}
`,
);
let server;
let store;
const workers = [];
try {
  buildNetwork();
  process.env.TRIGGERLAB_CACHE ??= join(root, 'cache');
  const alone = measured(triggerlab('run', 'shared.yaml', '--store', 'alone', '--workers', '2', '--json'));
  say(`one machine alone: ${alone.size} runs`);
  server = await privatePostgres({ address: `${NETWORK}.1`, network: `${NETWORK}.0/24` });
  for (const index of HOSTS.keys()) workers.push(startWorker(index, server.url));
  mkdirSync(join(root, 'unused'));
  store = await openStore(server.url, { mode: 'use', artifacts: join(root, 'unused') });
  const count = async (sql) => (await store.database.query(`SELECT count(*)::int AS n FROM ${sql}`))[0].n;
  await until('three workers', workers, async () => (await count('workers')) === HOSTS.length);
  say('three workers have joined, each in namespaces of its own');
  triggerlab('run', 'shared.yaml', '--store', server.url, '--workers', '0');

  // Once every host has finished a run, the first that has one in hand is cut off until that run is somebody else's.
  let cut;
  await until('a run of every host', workers, async () => {
    const hosts = await count("(SELECT DISTINCT worker FROM runs WHERE status = 'done') AS hosts");
    [cut] = await store.database.query(
      "SELECT r.run_id, w.worker, w.host FROM runs r JOIN workers w USING (worker) WHERE r.status = 'running' LIMIT 1",
    );
    const left = await count("runs WHERE status <> 'done'");
    if (left === 0)
      throw new Error(`the sweep ended before each of ${HOSTS.length} hosts had done a run (${hosts} had)`);
    return hosts === HOSTS.length && cut !== undefined;
  });
  const index = HOSTS.indexOf(cut.host);
  if (index < 0) throw new Error(`a run is in hand of a stranger: ${JSON.stringify(cut)}`);
  ip('link', 'set', linkOf(index), 'down');
  await until(
    'the loss of its run',
    workers,
    async () =>
      (await count(
        `runs WHERE run_id = '${cut.run_id}' AND status <> 'running' OR run_id = '${cut.run_id}' AND worker <> '${cut.worker}'`,
      )) === 1,
  );
  ip('link', 'set', linkOf(index), 'up');
  say(`${cut.host} was off the network until its run was free again`);
  await until('the end of the sweep', workers, async () => (await count("runs WHERE status = 'done'")) === alone.size);

  const by = await store.database.query(
    'SELECT w.host, count(*)::int AS n FROM runs r JOIN workers w USING (worker) GROUP BY w.host ORDER BY w.host',
  );
  const shared = measured(triggerlab('results', 'shared', '--store', server.url, '--json'));
  const same = sameRuns(alone, shared);
  say(
    `done by ${by.map(({ host, n }) => `${host} ${n}`).join(', ')}; ${same} of ${alone.size} the same to the last bit`,
  );
  if (by.length !== HOSTS.length || shared.size !== alone.size || same !== alone.size)
    throw new Error('the sweep was not shared as it should be');
  for (const { child } of workers) child.kill('SIGTERM');
  say('passed');
} finally {
  for (const { child, ended } of workers) {
    child.kill('SIGKILL');
    await ended;
  }
  await store?.close();
  server?.stop();
  removeNetwork();
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
