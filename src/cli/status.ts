// `triggerlab status`: how an experiment stands while it is done, and what failed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatSeconds } from '../core/format.ts';
import { type FailureGroup, failureGroups } from '../queue/retry.ts';
import { type SweepStatus, sweepStatus } from '../queue/status.ts';
import { textTable } from '../report/text-table.ts';
import { DEFAULT_STORE } from '../store/open.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './output.ts';
import { withStore } from './with-store.ts';

interface Options {
  readonly store: string;
  readonly follow?: boolean;
  readonly interval: number;
  readonly json?: boolean;
}

export function registerStatus(program: Command): void {
  const command = program
    .command('status')
    .argument('[experiment]', 'name of an experiment; the whole store unless given')
    .description('runs done, running and failed, speed, time left and workers; works while a run is going on')
    .option('--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE)
    .option('--follow', 'again and again, until nothing is left to do')
    .option('--interval <seconds>', 'time between two looks of --follow', wholeNumber(1, 3600), 5);
  finish(command, ['status', 'status quick --follow', 'status --store postgres://me@host/triggerlab --json']).action(
    statusCommand,
  );
}

async function statusCommand(experiment: string | undefined, options: Options): Promise<void> {
  for (;;) {
    const { status, failures, experiments } = await withStore(options.store, async (store) => {
      if (experiment !== undefined) await store.getExperiment(experiment);
      return {
        status: await sweepStatus(store.database, experiment),
        failures: await failureGroups(store.database, experiment),
        experiments: (await store.listExperiments()).filter(
          ({ name }) => experiment === undefined || name === experiment,
        ),
      };
    });
    if (options.json) printJson({ experiment: experiment ?? null, ...status, failures, experiments });
    else print(statusText(status, failures, experiment ?? `${experiments.length} experiments`));
    const { pending, running } = status.counts;
    if (!options.follow || pending + running === 0) return;
    await sleep(1000 * options.interval);
    if (!options.json) print('');
  }
}

export function statusText(status: SweepStatus, failures: readonly FailureGroup[], title: string): string {
  const { counts, total, runsPerHour, secondsLeft, workers } = status;
  const parts = (['done', 'running', 'pending', 'failed', 'skipped'] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `${counts[name]} ${name}`);
  const speed = [
    ...(runsPerHour === null ? [] : [`${runsPerHour.toFixed(runsPerHour < 10 ? 1 : 0)} runs an hour`]),
    ...(secondsLeft === null || secondsLeft === 0 ? [] : [`about ${formatSeconds(secondsLeft)} left`]),
  ];
  const lines = [`${title}: ${total} runs${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`];
  if (counts.pending + counts.running > 0 && speed.length > 0) lines.push(speed.join(', '));
  if (workers.length > 0) lines.push('', workersTable(status));
  else if (counts.pending > 0)
    lines.push('Nobody is at work: triggerlab run SPEC, or triggerlab worker with a server.');
  if (failures.length > 0) {
    lines.push('', 'What failed:');
    for (const { error, runs, examples } of failures) {
      lines.push(`  ${runs} × ${error}`, `      such as ${examples.map((id) => id.slice(0, 12)).join(', ')}`);
    }
    lines.push('Another try: triggerlab retry --failed');
  }
  return lines.join('\n');
}

function workersTable({ workers }: SweepStatus): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  return textTable(
    [
      { title: 'worker' },
      right('slots'),
      right('threads'),
      right('done'),
      { title: 'heard of' },
      { title: 'at work on' },
    ],
    workers.map(({ worker, slots, threads, done, silentSeconds, running }) => [
      worker,
      String(slots),
      String(threads),
      String(done),
      `${formatSeconds(Math.max(0, silentSeconds))} ago`,
      running.map(({ runId, progress }) => `${runId.slice(0, 8)} ${Math.floor(100 * progress)} %`).join(', '),
    ]),
  );
}
