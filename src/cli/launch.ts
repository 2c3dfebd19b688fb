// `triggerlab launch`: what a cluster needs to start workers: a batch script for Slurm, a Job for Kubernetes.
import { execFileSync } from 'node:child_process';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { failedError, inputError } from '../core/errors.ts';
import { kubernetesManifest } from '../queue/kubernetes.ts';
import { slurmScript } from '../queue/slurm.ts';
import { finish } from './command.ts';
import { sizeInBytes, wholeNumber } from './numbers.ts';
import { print, printJson } from './output.ts';

interface SlurmOptions {
  readonly jobs: number;
  readonly cpus: number;
  readonly time: number;
  readonly grace: number;
  readonly memory?: number;
  readonly experiment?: string;
  readonly partition?: string;
  readonly artifacts?: string;
  readonly sbatch: string[];
  readonly submit?: boolean;
  readonly json?: boolean;
}

interface KubernetesOptions {
  readonly image: string;
  readonly secret: string;
  readonly name: string;
  readonly jobs: number;
  readonly cpus: number;
  readonly grace: number;
  readonly memory?: number;
  readonly experiment?: string;
  readonly volume?: string;
  readonly json?: boolean;
}

export function registerLaunch(program: Command): void {
  const group = program
    .command('launch')
    .description('start workers on a cluster; they take runs from a store on a PostgreSQL server');
  const slurm = group
    .command('slurm')
    .description(
      'print the batch script of an array of workers, or submit it; the store is taken from $TRIGGERLAB_STORE',
    )
    .option('--jobs <n>', 'workers in the array', wholeNumber(1, 100_000), 4)
    .option('--cpus <n>', 'cores of each: so many runs at the same time', wholeNumber(1, 1024), 2)
    .option('--time <h:mm:ss>', 'what Slurm gives a job', duration, 3600)
    .option('--grace <seconds>', 'how long before its end a worker writes its checkpoints', wholeNumber(5, 3600), 120)
    .option('--memory <size>', 'memory of each job, such as 8GB', sizeInBytes)
    .option('--experiment <name>', 'only runs of this experiment')
    .option('--partition <name>', 'where the jobs are to run')
    .option('--artifacts <directory>', 'for artifacts and checkpoints, shared by the nodes')
    .option(
      '--sbatch <option>',
      'a further option for sbatch, such as --account=vision (repeatable)',
      (text: string, before: string[]) => [...before, oneLine(text)],
      [],
    )
    .option('--submit', 'give the script to sbatch');
  finish(slurm, [
    'launch slurm --jobs 8 --cpus 4 --time 4:00:00 > workers.sh',
    'launch slurm --jobs 8 --time 1:00:00 --partition cpu --sbatch=--account=vision --submit',
  ]).action(slurmCommand);
  const kubernetes = group
    .command('kubernetes')
    .description('print the manifest of a Job of workers, for kubectl apply -f -')
    .requiredOption('--image <name>', 'container image that has triggerlab')
    .option('--secret <name>', 'secret whose key "url" holds the URL of the store', 'triggerlab-store')
    .option('--name <name>', 'of the Job', dnsName, 'triggerlab')
    .option('--jobs <n>', 'pods at the same time', wholeNumber(1, 100_000), 4)
    .option('--cpus <n>', 'cores of each: so many runs at the same time', wholeNumber(1, 1024), 2)
    .option('--grace <seconds>', 'how long a pod has for its checkpoints when it is ended', wholeNumber(5, 3600), 60)
    .option('--memory <size>', 'memory of each pod, such as 8GB', sizeInBytes)
    .option('--experiment <name>', 'only runs of this experiment')
    .option('--volume <claim>', 'persistent volume claim for artifacts and checkpoints, shared by the pods');
  finish(kubernetes, [
    'launch kubernetes --image registry/triggerlab:1 --jobs 8 --memory 4GB | kubectl apply -f -',
  ]).action(({ json, ...job }: KubernetesOptions) => {
    const manifest = kubernetesManifest({ ...job, memoryBytes: job.memory, graceSeconds: job.grace });
    if (json) printJson({ manifest });
    else print(manifest.trimEnd());
  });
}

function slurmCommand(options: SlurmOptions): void {
  const { time, grace, memory, submit, json } = options;
  if (time <= grace) {
    throw inputError(`launch slurm: --time is ${time} s, and workers stop ${grace} s before its end`, {
      hint: 'Give more time, or a shorter --grace.',
    });
  }
  for (const value of [options.partition, options.artifacts]) if (value !== undefined) oneLine(value);
  const script = slurmScript({
    ...options,
    ...{ command: [process.execPath, process.argv[1]], directory: process.cwd() },
    ...{ memoryBytes: memory, seconds: time, graceSeconds: grace, options: options.sbatch },
  });
  if (!submit) {
    if (json) printJson({ script });
    else print(script.trimEnd());
    return;
  }
  if (!process.env.TRIGGERLAB_STORE) {
    throw inputError('launch slurm --submit: TRIGGERLAB_STORE is not set', {
      hint: 'export TRIGGERLAB_STORE=postgres://me@host/triggerlab first: jobs take the store from there.',
    });
  }
  let answer: string;
  try {
    answer = execFileSync('sbatch', ['--parsable'], { input: script, encoding: 'utf8' }).trim();
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: string };
    throw failedError(code === 'ENOENT' ? 'there is no sbatch here' : `sbatch refused the job: ${stderr?.trim()}`, {
      hint: 'Without --submit the script is printed: give it to sbatch on a node that has it.',
      cause: error,
    });
  }
  if (json) printJson({ job: answer, script });
  else print(`Submitted as job ${answer}. Watch: squeue -j ${answer}, triggerlab status --store "$TRIGGERLAB_STORE"`);
}

/** `h:mm:ss`, `mm:ss` or minutes, as Slurm reads them, in seconds. */
function duration(text: string): number {
  const parts = text.split(':').map(Number);
  if (parts.length > 3 || parts.some((part) => !Number.isInteger(part) || part < 0)) {
    throw new InvalidArgumentError('expected h:mm:ss, such as 1:30:00, or minutes.');
  }
  const [hours, minutes, seconds] = parts.length === 3 ? parts : parts.length === 2 ? [0, ...parts] : [0, parts[0], 0];
  return 3600 * hours + 60 * minutes + seconds;
}

function oneLine(text: string): string {
  if (/[\r\n]/.test(text)) throw new InvalidArgumentError('expected one line.');
  return text;
}

function dnsName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) {
    throw new InvalidArgumentError('expected lower-case letters, digits and inner hyphens.');
  }
  return text;
}
