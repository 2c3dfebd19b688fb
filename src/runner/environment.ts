// What is recorded of the machine and the program with every run.
import { cpus } from 'node:os';
import { packageVersion } from '../core/version.ts';
import { engineVersion } from '../runtime/node.ts';
import type { RunEnvironment } from '../store/records.ts';

/** Versions and machine of the present process. */
export function runEnvironment(threads: number): RunEnvironment {
  return {
    triggerlab: packageVersion,
    onnxruntime: engineVersion,
    node: process.version,
    threads,
    cpu: cpus()[0]?.model ?? 'unknown',
  };
}
