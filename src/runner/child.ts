// A runner process: takes jobs from its parent one at a time, keeps datasets and sessions between them. Opens no database.
import { messageOf, TriggerlabError } from '../core/errors.ts';
import { isDiskFull } from '../core/system-fault.ts';
import { Runtime } from '../runtime/node.ts';
import { CheckpointFile, TrainingStopped } from '../train/checkpoint.ts';
import { checkUnchanged } from './check-unchanged.ts';
import { runEnvironment } from './environment.ts';
import { executeDefense } from './execute-defense.ts';
import { executeRun } from './execute-run.ts';
import type { Job, ParentMessage, RunnerMessage } from './protocol.ts';

const PROGRESS_INTERVAL_MS = 200;

const threads = Number(process.argv[2] ?? 1);
const runtime = new Runtime({ threads });
let stopping = false;
let checkpoints: CheckpointFile | undefined;

function send(message: RunnerMessage): void {
  process.send?.(message);
}

function checkpointsOf({ runId, checkpoint }: Job): CheckpointFile | undefined {
  if (runId === undefined || checkpoint === undefined) return undefined;
  return new CheckpointFile({
    ...checkpoint,
    runId,
    warn: (message) => send({ kind: 'warning', message }),
    onSaved: ({ epoch, steps }) => send({ kind: 'checkpoint', epoch, steps }),
  });
}

async function work(job: Job): Promise<void> {
  const { runId, spec, twin, base } = job;
  let told = 0;
  const onProgress = (share: number) => {
    const now = performance.now();
    if (now - told < PROGRESS_INTERVAL_MS) return;
    told = now;
    send({ kind: 'progress', share });
  };
  const memory = () => process.memoryUsage().rss;
  checkpoints = checkpointsOf(job);
  if (stopping) checkpoints?.stop();
  try {
    if (runId !== undefined) await checkUnchanged(runId, spec);
    const checkStop = () => {
      if (stopping) throw new TrainingStopped();
    };
    const run = base
      ? await executeDefense(runtime, spec, base, { onProgress, checkStop })
      : await executeRun(runtime, spec, twin, {
          onProgress,
          checkpointing: checkpoints,
          onEpoch: (epoch, loss, seconds) => send({ kind: 'epoch', epoch, loss, seconds }),
          onResumed: ({ epoch, steps }) => send({ kind: 'resumed', epoch, steps }),
        });
    send({ kind: 'done', ...run, environment: runEnvironment(threads), memory: memory() });
  } catch (error) {
    if (error instanceof TrainingStopped) return send({ kind: 'stopped', memory: memory() });
    const hint = error instanceof TriggerlabError && error.hint ? ` ${error.hint}` : '';
    send({ kind: 'failed', error: `${messageOf(error)}${hint}`, memory: memory(), diskFull: isDiskFull(error) });
  }
}

process.on('message', (message: ParentMessage) => {
  if (message.kind === 'job') void work(message.job);
  else {
    stopping = true;
    checkpoints?.stop();
  }
});
// The parent decides about interrupts, which a terminal or a cluster sends to all; without a parent there is nothing left to do.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));
send({ kind: 'ready' });
