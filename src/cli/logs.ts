// `triggerlab logs`: what happened to one run, event by event and epoch by epoch.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { epochsOf, eventsOf, type RunEvent } from '../queue/run-log.ts';
import { DEFAULT_STORE } from '../store/open.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { withStore } from './with-store.ts';

interface Options {
  readonly store: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const LOOK_EVERY_MS = 2000;

export function registerLogs(program: Command): void {
  const command = program
    .command('logs')
    .argument('<run>', 'a run, by its id or the beginning of it')
    .description('what happened to a run: who took it, epochs, checkpoints, failures')
    .option('--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE)
    .option('--follow', 'go on until the run has ended');
  finish(command, ['logs 3fa94c1b', 'logs 3fa94c1b --follow', 'logs 3fa94c1b --json']).action(logsCommand);
}

async function logsCommand(run: string, { store: location, follow, json }: Options): Promise<void> {
  let lastEvent = 0;
  let lastEpoch = 0;
  const all: object[] = [];
  for (;;) {
    const { status, events, epochs } = await withStore(location, async (store) => {
      const { runId, status } = await store.getRun(run);
      const epochs = await epochsOf(store.database, runId);
      return { status, events: await eventsOf(store.database, runId, lastEvent), epochs };
    });
    for (const event of events) if (!json) print(eventText(event));
    for (const { epoch, loss, seconds } of epochs.slice(lastEpoch)) {
      const after = seconds === null ? '' : ` after ${seconds.toFixed(1)} s`;
      if (!json) print(`  epoch ${epoch}: loss ${loss.toPrecision(5)}${after}`);
    }
    all.push(...events);
    lastEvent = events.at(-1)?.id ?? lastEvent;
    lastEpoch = epochs.length;
    if (!follow || !['pending', 'running'].includes(status)) {
      if (json) printJson({ run, status, events: all, epochs });
      return;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function eventText({ at, worker, kind, detail }: RunEvent): string {
  const details = Object.entries(detail ?? {}).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [at, worker ?? '', kind, ...details].join('  ');
}
