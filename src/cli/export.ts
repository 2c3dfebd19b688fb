// `triggerlab export`: a run's trained classifier as an ONNX file.
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { inputError, messageOf } from '../core/errors.ts';
import { makeDirectory, writeFileAtomic } from '../core/files.ts';
import { formatBytes } from '../core/format.ts';
import { DEFAULT_STORE } from '../store/open.ts';
import { finish } from './command.ts';
import { log, print, printJson } from './output.ts';
import { Progress } from './progress.ts';
import { withStore } from './results-options.ts';

interface Options {
  readonly store: string;
  readonly onnx: string;
  readonly withPreprocessing?: boolean;
  readonly json?: boolean;
}

export function registerExport(program: Command): void {
  const command = program
    .command('export')
    .argument('<run>', 'a run, by its id or the beginning of it')
    .description('write a run’s trained classifier as an ONNX file; runs whose weights were not kept are done again')
    .requiredOption('--onnx <file>', 'the file to write')
    .option('--with-preprocessing', 'take 8-bit pixels at the dataset’s size and do the preprocessing inside the file')
    .option('--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE);
  finish(command, [
    'export 3fa94c1b --onnx classifier.onnx',
    'export 3fa94c1b --onnx classifier.onnx --with-preprocessing',
  ]).action(exportCommand);
}

async function exportCommand(id: string, options: Options): Promise<void> {
  // A file that cannot be written should be known before the work, not after it.
  const folder = dirname(resolve(options.onnx));
  await writing(options.onnx, async () => {
    makeDirectory(folder);
    accessSync(folder, constants.W_OK);
  });
  // Loaded here because they bring in the engine, which other commands should not wait for.
  const { Runtime } = await import('../runtime/node.ts');
  const { exportRun } = await import('../runner/export-run.ts');
  const { TRAINED_ARTIFACT } = await import('../runner/sweep.ts');
  const { run, trained } = await withStore(options.store, async (store) => {
    const found = await store.getRun(id);
    return { run: found, trained: await store.getArtifact(found.runId, TRAINED_ARTIFACT) };
  });
  if (trained === undefined && run.status === 'done')
    log(`the weights of run ${run.runId} were not kept: doing it again`);
  const runtime = new Runtime({ threads: availableParallelism() });
  const progress = new Progress();
  try {
    const withPreprocessing = options.withPreprocessing === true;
    const onProgress = (share: number) => progress.update(share, 'training');
    const exported = await exportRun(runtime, run, { withPreprocessing, trained, onProgress });
    progress.end();
    const { regenerated, cleanAccuracy, metadata, bytes } = exported;
    if (regenerated && cleanAccuracy !== run.metrics?.cleanAccuracy) {
      log(
        `warning: done again, the run has a clean accuracy of ${cleanAccuracy}, not ${run.metrics?.cleanAccuracy}: it was first done on another machine or version, or with other threads`,
      );
    }
    await writing(options.onnx, () => writeFileAtomic(options.onnx, bytes));
    if (options.json)
      printJson({ runId: run.runId, file: resolve(options.onnx), bytes: bytes.length, regenerated, metadata });
    else print(`${resolve(options.onnx)}: ${formatBytes(bytes.length)}, run ${run.runId}`);
  } finally {
    progress.end();
    await runtime.close();
  }
}

async function writing(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw inputError(`${path} cannot be written: ${messageOf(error)}`, {
      hint: 'Name another file with --onnx, in a folder that you may write to.',
      cause: error,
    });
  }
}
