// The batch script with which Slurm starts workers: an array of the same worker, each ending before its time is up.

export interface SlurmJob {
  /** Command that starts triggerlab, word by word. */
  readonly command: readonly string[];
  /** Directory to work in; files that a spec names by path are looked up from it. */
  readonly directory: string;
  readonly experiment?: string | undefined;
  /** Workers in the array. */
  readonly jobs: number;
  readonly cpus: number;
  readonly memoryBytes?: number | undefined;
  /** Seconds that Slurm gives a job. */
  readonly seconds: number;
  /** Seconds before its end at which a worker is told to stop. */
  readonly graceSeconds: number;
  readonly partition?: string | undefined;
  /** Further `#SBATCH` options, such as `--account=vision`. */
  readonly options: readonly string[];
  /** Directory of artifacts and checkpoints that the nodes share. */
  readonly artifacts?: string | undefined;
}

/** Text for a POSIX shell that stands for exactly this word. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Seconds as Slurm writes them: `D-HH:MM:SS`. */
export function slurmTime(seconds: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  return `${Math.floor(seconds / 86_400)}-${two((seconds % 86_400) / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`;
}

/** The script for `sbatch`. The store's URL comes from the environment ($TRIGGERLAB_STORE), for it may hold a password. */
export function slurmScript(job: SlurmJob): string {
  const worker = [
    ...job.command,
    'worker',
    ...['--workers', String(job.cpus), '--time-limit', String(job.seconds - job.graceSeconds)],
    ...(job.experiment === undefined ? [] : ['--experiment', job.experiment]),
    ...(job.memoryBytes === undefined ? [] : ['--memory', `${Math.floor((0.85 * job.memoryBytes) / 1e6)}MB`]),
  ];
  const options = [
    '--job-name=triggerlab',
    `--array=1-${job.jobs}`,
    `--time=${slurmTime(job.seconds)}`,
    `--cpus-per-task=${job.cpus}`,
    ...(job.memoryBytes === undefined ? [] : [`--mem=${Math.ceil(job.memoryBytes / 1048576)}M`]),
    ...(job.partition === undefined ? [] : [`--partition=${job.partition}`]),
    '--requeue',
    '--open-mode=append',
    '--output=triggerlab-%A_%a.log',
    // To this script alone, which tells the worker; its processes take no notice of signals of their own.
    `--signal=B:USR1@${job.graceSeconds}`,
    ...job.options,
  ];
  return `#!/bin/bash
${options.map((option) => `#SBATCH ${option}`).join('\n')}
# Workers of triggerlab: each takes runs from the store until none are left or its time is up. Stopped, it writes checkpoints
# and gives its runs back; any other worker goes on from there. Killed, its runs are free again a minute later.
if [ -z "$TRIGGERLAB_STORE" ]; then
  echo "TRIGGERLAB_STORE is not set: export it before sbatch, such as postgres://me@host/triggerlab" >&2
  exit 2
fi
cd ${shellWord(job.directory)} || exit 2
${job.artifacts === undefined ? '' : `export TRIGGERLAB_ARTIFACTS=${shellWord(job.artifacts)}\n`}${worker.map(shellWord).join(' ')} &
worker=$!
trap 'kill -USR1 "$worker" 2>/dev/null' USR1 TERM
# A signal ends a wait before the worker has ended.
while :; do
  wait "$worker"
  code=$?
  kill -0 "$worker" 2>/dev/null || break
done
exit "$code"
`;
}
