// What is recorded of the machine and the program with every run.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { engineVersion } from '../runtime/node.ts';
import type { RunEnvironment } from '../store/records.ts';

/** Version of this package. */
export const packageVersion: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

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
