// `triggerlab store export` and `store import`: runs with their results and files, from one store to another.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exportStore } from '../store/archive/export-store.ts';
import { type Imported, importArchive } from '../store/archive/import-archive.ts';
import { readArchive, type StoreArchive } from '../store/archive/read-archive.ts';
import { DEFAULT_STORE, openStore } from '../store/open.ts';
import { finish } from './command.ts';
import { log, print, printJson } from './output.ts';
import { withStore } from './with-store.ts';

interface ExportOptions {
  readonly store: string;
  readonly experiment: string[];
  readonly artifacts: boolean;
  readonly json?: boolean;
}

export const STORE = ['--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE] as const;

export function registerStore(program: Command): void {
  const group = program
    .command('store')
    .description('take runs from one store to another: a directory, a PostgreSQL server');
  const toFile = group
    .command('export')
    .argument('<file>', 'archive to write (.tar)')
    .description('write runs with their results and files to one archive')
    .option(...STORE)
    .option(
      '--experiment <name>',
      'only the runs of this experiment (repeatable), and the clean twins that they need',
      (name: string, before: string[]) => [...before, name],
      [],
    )
    .option('--no-artifacts', 'leave out the files of runs, such as trained weights of clean twins');
  finish(toFile, [
    'store export all.tar',
    'store export quick.tar --experiment quick --store postgres://me@host/lab',
  ]).action(async (file: string, options: ExportOptions) => {
    const experiments = options.experiment.length === 0 ? undefined : options.experiment;
    const wishes = { experiments, artifacts: options.artifacts };
    const exported = await withStore(options.store, (store) => exportStore(store, resolve(file), wishes));
    if (options.json) return printJson({ file, ...exported });
    const { runs, done, artifacts, missing } = exported;
    print(`${file}: ${runs} runs, ${done} of them done, ${artifacts} files`);
    if (missing > 0) log(`warning: ${missing} files of runs are missing here or damaged, and were left out`);
  });
  const fromFile = group
    .command('import')
    .argument('<file>', 'archive that store export or shard run wrote')
    .description(
      'take the runs of an archive into a store; results that are there already are compared, never overwritten',
    )
    .option(...STORE);
  finish(fromFile, ['store import quick.tar', 'store import quick.tar --store postgres://me@host/lab --json']).action(
    // Read first: a store is made only for an archive that is sound.
    async (file: string, options: ImportOptions) => takeIn(file, await readArchive(resolve(file)), options),
  );
}

interface ImportOptions {
  readonly store: string;
  readonly json?: boolean;
}

/** Takes an archive in and tells what came of it; exit code 1 when results differ from those that are there. */
export async function takeIn(file: string, archive: StoreArchive, options: ImportOptions): Promise<void> {
  const { store: location, json } = options;
  const server = /^postgres(ql)?:\/\//i.test(location);
  // A directory is made where there is none yet.
  const store = await openStore(location, {
    mode: server ? 'use' : 'own',
    warn: (message) => log(`warning: ${message}`),
  });
  let imported: Imported;
  try {
    imported = await importArchive(store, archive);
  } finally {
    await store.close();
  }
  if (json) printJson({ file, ...imported });
  else print(importText(file, imported));
  if (imported.differing.length > 0) process.exitCode = 1;
}

function importText(file: string, { added, results, same, differing, artifacts, experiments }: Imported): string {
  return [
    `${file}: ${added} new runs, ${results} new results, ${artifacts} files, ${experiments} new experiments; ${same} results were here already, and are equal`,
    ...(differing.length > 0 ? [`${differing.length} results differ from those that are here, which stay:`] : []),
    ...differing.slice(0, 10).map(({ runId, fields }) => `  ${runId}: ${fields.join(', ')}`),
    ...(differing.length > 10 ? [`  … and ${differing.length - 10} more; --json has all of them`] : []),
  ].join('\n');
}
