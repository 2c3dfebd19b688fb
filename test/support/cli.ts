// The built command line as a shell sees it.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `triggerlab …args` in a folder; `finished` tells how it ended. */
export function startCli(cwd: string, args: readonly string[]): { child: ChildProcess; finished: Promise<CliResult> } {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const finished = new Promise<CliResult>((done) => {
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
  return { child, finished };
}

/** Runs `triggerlab …args` in a folder to its end. */
export function cli(cwd: string, ...args: string[]): Promise<CliResult> {
  return startCli(cwd, args).finished;
}
