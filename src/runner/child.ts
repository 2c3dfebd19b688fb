// A runner process: takes jobs from its parent one at a time, keeps datasets and sessions between them. Opens no database.
import { messageOf, TriggerlabError } from '../core/errors.ts';
import { Runtime } from '../runtime/node.ts';
import { checkUnchanged } from './check-unchanged.ts';
import { runEnvironment } from './environment.ts';
import { executeRun } from './execute-run.ts';
import type { Job, RunnerMessage } from './protocol.ts';

const PROGRESS_INTERVAL_MS = 200;

const threads = Number(process.argv[2] ?? 1);
const runtime = new Runtime({ threads });

function send(message: RunnerMessage): void {
  process.send?.(message);
}

async function work({ runId, spec, twin }: Job): Promise<void> {
  let told = 0;
  const onProgress = (share: number) => {
    const now = performance.now();
    if (now - told < PROGRESS_INTERVAL_MS) return;
    told = now;
    send({ kind: 'progress', share });
  };
  try {
    if (runId !== undefined) await checkUnchanged(runId, spec);
    const run = await executeRun(runtime, spec, twin, onProgress);
    send({ kind: 'done', ...run, environment: runEnvironment(threads), memory: process.memoryUsage().rss });
  } catch (error) {
    const hint = error instanceof TriggerlabError && error.hint ? ` ${error.hint}` : '';
    send({ kind: 'failed', error: `${messageOf(error)}${hint}`, memory: process.memoryUsage().rss });
  }
}

process.on('message', (job: Job) => void work(job));
// The parent decides about interrupts; without a parent there is nothing left to do.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
send({ kind: 'ready' });
