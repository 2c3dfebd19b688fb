// Messages between the process that owns the store and its runner processes.
import type { RunSpec } from '../spec/run-spec.ts';
import type { RunEnvironment } from '../store/records.ts';
import type { ExecutedRun, Twin } from './execute-run.ts';
import type { FinishedRun } from './twins.ts';

/** Parent to runner: do this run. */
export interface Job {
  readonly spec: RunSpec;
  /** When given, the run is refused if its dataset, model or weights have changed since it got this id. */
  readonly runId?: string;
  readonly twin?: Twin;
  /** Of a defended run: its base. */
  readonly base?: FinishedRun;
  /** Where its training can be interrupted and taken up again; needs `runId`. */
  readonly checkpoint?: { readonly path: string; readonly everySeconds: number };
}

/** Parent to runner. `stop`: write a checkpoint as soon as possible and give the run back. */
export type ParentMessage = { readonly kind: 'job'; readonly job: Job } | { readonly kind: 'stop' };

/** Runner to parent while a run goes on. */
export type RunnerNews =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'epoch'; readonly epoch: number; readonly loss: number; readonly seconds: number }
  | { readonly kind: 'resumed' | 'checkpoint'; readonly epoch: number; readonly steps: number }
  | { readonly kind: 'warning'; readonly message: string };

/** How a job ends; `memory` is the runner's resident memory then, in bytes. */
export type RunnerEnd =
  | ({ readonly kind: 'done'; readonly environment: RunEnvironment; readonly memory: number } & ExecutedRun)
  | {
      readonly kind: 'failed';
      readonly error: string;
      readonly memory: number;
      /** Whether the process ended rather than the run: another try may go well. */
      readonly crashed?: boolean;
      /** Whether a disk was full: no fault of the run, and the next would fare no better. */
      readonly diskFull?: boolean;
    }
  | { readonly kind: 'stopped'; readonly memory: number };

/** Runner to parent. `ready` follows the start; every job is answered by a RunnerEnd. */
export type RunnerMessage = { readonly kind: 'ready' } | RunnerNews | RunnerEnd;
