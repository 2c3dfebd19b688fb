// A Slurm of one node of a test's own (Debian's slurm-wlm and munge, as root): its daemons, ports and files, gone afterwards.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.mjs';

const START_MS = 60_000;
const SBIN = '/usr/sbin';

/** The configuration: processes are tracked without cgroups, so that it works in a container too. */
async function configuration(directory) {
  const [controller, daemon] = [await freePort(), await freePort()];
  const name = hostname().split('.')[0];
  return `ClusterName=test
SlurmctldHost=${name}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${directory}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
KillWait=10
MailProg=/bin/true
StateSaveLocation=${directory}/state
SlurmdSpoolDir=${directory}/spool
SlurmctldPidFile=${directory}/slurmctld.pid
SlurmdPidFile=${directory}/slurmd.pid
SlurmctldLogFile=${directory}/slurmctld.log
SlurmdLogFile=${directory}/slurmd.log
NodeName=${name} NodeAddr=127.0.0.1 CPUs=${availableParallelism()} RealMemory=${Math.floor((0.8 * totalmem()) / 1048576)} State=UNKNOWN
PartitionName=all Nodes=${name} Default=YES MaxTime=INFINITE State=UP
`;
}

/** Starts the daemons in a directory that root owns. @returns what ends them, jobs included. @throws Error that says what is missing or went wrong. */
export async function privateSlurm(directory) {
  if (process.getuid?.() !== 0) throw new Error('Slurm is set up as root here');
  for (const program of ['munged', 'slurmctld', 'slurmd']) {
    if (!existsSync(join(SBIN, program)))
      throw new Error(`${SBIN}/${program} is missing: apt-get install slurm-wlm munge`);
  }
  for (const name of ['state', 'spool']) mkdirSync(join(directory, name));
  const file = (name) => join(directory, name);
  writeFileSync(file('munge.key'), randomBytes(128), { mode: 0o600 });
  const config = file('slurm.conf');
  writeFileSync(config, await configuration(directory));
  process.env.SLURM_CONF = config;
  const services = [];
  const stop = async () => {
    try {
      for (const options of [['--full', '--signal=KILL'], []]) {
        execFileSync('scancel', [...options, '--user=root'], { stdio: 'ignore', timeout: 10_000 });
      }
    } catch {
      // No controller that would know of jobs.
    }
    for (const child of services.reverse()) {
      const ended = new Promise((end) => child.once('exit', end));
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(5000).then(() => child.kill('SIGKILL'))]);
    }
  };
  const logs = () =>
    ['munged.out', 'slurmctld.out', 'slurmctld.log', 'slurmd.out', 'slurmd.log']
      .filter((name) => existsSync(file(name)))
      .map((name) => `${name}: ${readFileSync(file(name), 'utf8').trim().split('\n').slice(-10).join('\n  ')}`)
      .join('\n');
  const start = (program, args) => {
    const child = spawn(
      '/bin/sh',
      ['-c', `exec "$@" > ${file(`${program}.out`)} 2>&1`, 'sh', join(SBIN, program), ...args],
      {
        stdio: 'ignore',
      },
    );
    services.push(child);
  };
  /** Waits for a daemon to be of use. */
  const until = async (what, holds) => {
    for (const deadline = Date.now() + START_MS; !holds(); await sleep(200)) {
      const dead = services.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null);
      if (dead || Date.now() > deadline) {
        await stop();
        throw new Error(
          `Slurm cannot be started on this machine: ${what} ${dead ? 'ended' : 'does not answer'}\n${logs()}`,
        );
      }
    }
  };
  start('munged', [
    '--foreground',
    ...['--force', `--socket=${file('munge.socket')}`, `--key-file=${file('munge.key')}`],
    ...[`--pid-file=${file('munged.pid')}`, `--log-file=${file('munged.log')}`, `--seed-file=${file('munge.seed')}`],
  ]);
  await until('munged', () => existsSync(file('munge.socket')));
  start('slurmctld', ['-D', '-f', config]);
  start('slurmd', ['-D', '-f', config]);
  const node = () => {
    try {
      return execFileSync('sinfo', ['-h', '-o', '%T'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 10_000,
      }).trim();
    } catch {
      return '';
    }
  };
  await until('slurmctld or slurmd', () => node() === 'idle');
  return { logs, stop };
}
