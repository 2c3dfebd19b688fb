// `triggerlab shard`: pending runs as files for nodes that cannot reach the store, and their results back.
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { inputError } from '../core/errors.ts';
import { modelLabel } from '../core/references.ts';
import { chooseLayout } from '../runner/layout.ts';
import { exportStore } from '../store/archive/export-store.ts';
import { importArchive } from '../store/archive/import-archive.ts';
import { readArchive } from '../store/archive/read-archive.ts';
import { exportShards } from '../store/archive/shards.ts';
import { openStore } from '../store/open.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { log, print, printJson } from './output.ts';
import { STORE, takeIn } from './store.ts';
import { withStore } from './with-store.ts';
import { STORE_OPTIONS, stopOnSignals, type WorkOptions, withWork, work } from './work.ts';

interface ExportOptions {
  readonly store: string;
  readonly shards: number;
  readonly out: string;
  readonly json?: boolean;
}

interface RunOptions extends WorkOptions {
  readonly store?: string;
  readonly out: string;
  readonly json?: boolean;
}

export function registerShard(program: Command): void {
  const group = program
    .command('shard')
    .description('deal pending runs out to files, for nodes that cannot reach the store, and bring the results back');
  const deal = group
    .command('export')
    .argument('<experiment>', 'an experiment that the store has planned (run SPEC --limit 1 plans it)')
    .description('write the pending runs of an experiment to files')
    .option(...STORE)
    .requiredOption('--shards <n>', 'how many files', wholeNumber(1, 10_000))
    .requiredOption('--out <directory>', 'where they go; made when it does not exist');
  finish(deal, ['shard export quick --shards 4 --out shards']).action(exportCommand);

  const run = group
    .command('run')
    .argument('<file>', 'a shard')
    .description('do the runs of a shard in a store of their own, and write them with their results to an archive')
    .requiredOption('--out <file>', 'archive of the results, to be brought back with shard import')
    .option('--store <directory>', 'the store of its own; the same one again goes on (default: FILE.store)');
  finish(withWork(run), ['shard run shards/quick-1-of-4.tar --out results-1.tar --workers 4']).action(runCommand);

  const bring = group
    .command('import')
    .argument('<file>', 'archive that shard run wrote')
    .description('take the results of a shard into the store; the same as store import')
    .option(...STORE);
  finish(bring, ['shard import results-1.tar --store postgres://me@host/lab']).action(importCommand);
}

async function importCommand(file: string, options: { store: string; json?: boolean }): Promise<void> {
  const archive = await readArchive(resolve(file));
  if (archive.manifest.shard) {
    throw inputError(`${file} is a shard that has not been run: there are no results in it`, {
      hint: `Run it on a node: triggerlab shard run ${file} --out results.tar. Then import results.tar.`,
    });
  }
  await takeIn(file, archive, options);
}

async function exportCommand(experiment: string, { store, shards, out, json }: ExportOptions): Promise<void> {
  const paths = Array.from({ length: shards }, (_, i) => resolve(out, `${experiment}-${i + 1}-of-${shards}.tar`));
  const written = await withStore(store, (opened) => exportShards(opened, experiment, paths));
  if (json) return printJson({ experiment, shards: written });
  for (const [i, { pending, done }] of written.entries()) {
    print(
      `${join(out, `${experiment}-${i + 1}-of-${shards}.tar`)}: ${pending} runs to do${done > 0 ? `, ${done} that they need` : ''}`,
    );
  }
}

async function runCommand(file: string, options: RunOptions): Promise<void> {
  const archive = await readArchive(resolve(file));
  const interrupt = stopOnSignals();
  const store = await openStore(options.store ?? `${file}.store`, { mode: 'own', ...STORE_OPTIONS });
  try {
    await importArchive(store, archive);
    const runs = await store.listRuns();
    const open = runs.filter(({ status }) => status === 'pending');
    const models = new Set(open.map(({ spec }) => modelLabel(spec.model)));
    if (open.length > 0) {
      const layout = chooseLayout(models, open.length, options.workers);
      await work(store, { ...options, layout, total: open.length, signal: interrupt.signal });
    }
    const exported = await exportStore(store, resolve(options.out));
    const left = exported.runs - exported.done;
    if (options.json) printJson({ file, out: options.out, runs: exported.runs, done: exported.done });
    else print(`${options.out}: ${exported.done} results${left > 0 ? `, ${left} runs without` : ''}`);
    if (left === 0) return;
    log(
      `error: ${left} runs of the shard were not done\n  The same command goes on from here; triggerlab status --store ${store.location} tells why.`,
    );
    process.exitCode = 1;
  } finally {
    await store.close();
    interrupt.release();
  }
}
