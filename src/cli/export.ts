// `triggerlab export`: a run's trained classifier as an ONNX file, or its poisoned training set as images.
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { inputError, messageOf } from '../core/errors.ts';
import { makeDirectory, refuseFilled, writeFileAtomic } from '../core/files.ts';
import { formatBytes } from '../core/format.ts';
import { DEFAULT_STORE } from '../store/open.ts';
import { finish } from './command.ts';
import { log, print, printJson } from './output.ts';
import { Progress } from './progress.ts';
import { withStore } from './with-store.ts';

interface Options {
  readonly store: string;
  readonly onnx?: string;
  readonly poisonedSet?: string;
  readonly withPreprocessing?: boolean;
  readonly json?: boolean;
}

export function registerExport(program: Command): void {
  const command = program
    .command('export')
    .argument('<run>', 'a run, by its id or the beginning of it')
    .description(
      'write a run’s trained classifier as an ONNX file (runs whose weights were not kept are done again), or its poisoned training set as images',
    )
    .option('--onnx <file>', 'the ONNX file to write')
    .option(
      '--poisoned-set <dir>',
      'the directory to write: PNG files by class, with a manifest of the changed rows, their labels and hashes',
    )
    .option(
      '--with-preprocessing',
      'take 8-bit pixels at the dataset’s size and do the preprocessing inside the ONNX file',
    )
    .option('--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE);
  finish(command, [
    'export 3fa94c1b --onnx classifier.onnx',
    'export 3fa94c1b --onnx classifier.onnx --with-preprocessing',
    'export 3fa94c1b --poisoned-set poisoned/',
  ]).action(async (id: string, options: Options) => {
    const { onnx, poisonedSet } = options;
    if ((onnx === undefined) === (poisonedSet === undefined)) {
      throw inputError('export writes one thing at a time: give --onnx FILE or --poisoned-set DIR', {
        hint: 'For example triggerlab export 3fa94c1b --onnx classifier.onnx.',
      });
    }
    if (onnx !== undefined) await exportClassifier(id, onnx, options);
    else if (poisonedSet !== undefined) await exportImages(id, poisonedSet, options);
  });
}

async function exportImages(id: string, directory: string, options: Options): Promise<void> {
  // Before the work, and before the store is opened.
  refuseFilled(directory);
  const { Runtime } = await import('../runtime/node.ts');
  const { exportPoisonedSet, MANIFEST_FILE } = await import('../runner/export-poisoned-set.ts');
  const { POISON_ARTIFACT } = await import('../runner/record-run.ts');
  const { run, recorded } = await withStore(options.store, async (store) => {
    const found = await store.getRun(id);
    return { run: found, recorded: await store.getArtifact(found.runId, POISON_ARTIFACT) };
  });
  let runtime: InstanceType<typeof Runtime> | undefined;
  const progress = new Progress();
  try {
    const { poisoned, trainImages, testImages, trainSha256 } = await exportPoisonedSet(
      () => {
        runtime ??= new Runtime({ threads: availableParallelism() });
        return runtime;
      },
      run,
      { directory, recorded, onProgress: (share) => progress.update(share, 'writing images') },
    );
    progress.end();
    const count = (mode: string) => poisoned.filter((row) => row.mode === mode).length;
    const [attack, cover, noise] = [count('attack'), count('cover'), count('noise')];
    if (options.json) {
      const counts = { trainImages, testImages, attack, cover, noise, trainSha256 };
      return printJson({
        runId: run.runId,
        directory: resolve(directory),
        recorded: recorded !== undefined,
        ...counts,
      });
    }
    const others = [cover > 0 ? `${cover} covers` : '', noise > 0 ? `${noise} noise images` : ''].filter(Boolean);
    print(
      `${resolve(directory)}: ${trainImages} training images, ${[`${attack} poisoned`, ...others].join(', ')}; ${testImages} test images; ${MANIFEST_FILE}`,
    );
  } finally {
    progress.end();
    await runtime?.close();
  }
}

async function exportClassifier(id: string, onnx: string, options: Options): Promise<void> {
  // A file that cannot be written should be known before the work, not after it.
  const folder = dirname(resolve(onnx));
  await writing(onnx, async () => {
    makeDirectory(folder);
    accessSync(folder, constants.W_OK);
  });
  // Loaded here because they bring in the engine, which other commands should not wait for.
  const { Runtime } = await import('../runtime/node.ts');
  const { exportRun } = await import('../runner/export-run.ts');
  const { TRAINED_ARTIFACT } = await import('../runner/twins.ts');
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
    await writing(onnx, () => writeFileAtomic(onnx, bytes));
    if (options.json) printJson({ runId: run.runId, file: resolve(onnx), bytes: bytes.length, regenerated, metadata });
    else print(`${resolve(onnx)}: ${formatBytes(bytes.length)}, run ${run.runId}`);
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
