// Messages between the process that owns the store and its runner processes.
import type { RunSpec } from '../spec/run-spec.ts';
import type { RunEnvironment } from '../store/records.ts';
import type { ExecutedRun, Twin } from './execute-run.ts';

/** Parent to runner: do this run. */
export interface Job {
  readonly spec: RunSpec;
  /** When given, the run is refused if its dataset, model or weights have changed since it got this id. */
  readonly runId?: string;
  readonly twin?: Twin;
}

/** Runner to parent. `ready` follows the start; every job is answered by `done` or `failed`. */
export type RunnerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly share: number }
  | ({ readonly kind: 'done'; readonly environment: RunEnvironment; readonly memory: number } & ExecutedRun)
  | { readonly kind: 'failed'; readonly error: string; readonly memory: number };
