import type { PlannedRun } from '../../src/spec/run-spec.ts';
import type { Store } from '../../src/store/store.ts';

export const SYNTHETIC_RUNS: number;
export const SYNTHETIC_EPOCHS: number;
export function syntheticRuns(): PlannedRun[];
export function fillWithSyntheticRuns(store: Store): Promise<PlannedRun[]>;
