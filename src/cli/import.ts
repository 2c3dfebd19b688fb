// `triggerlab import`: published results from CSV files, with their faults flagged, kept apart from our own runs.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { countFaults } from '../analysis/external/evidence.ts';
import { findMapping, MAPPINGS, parseConstant } from '../analysis/external/mapping.ts';
import { readExternalCsv } from '../analysis/external/read-csv.ts';
import { type ExternalRun, isUsable } from '../analysis/external/record.ts';
import { inputError } from '../core/errors.ts';
import { dataTableText } from '../report/data-table.ts';
import { faultsTable } from '../report/external-tables.ts';
import { textTable } from '../report/text-table.ts';
import { DEFAULT_STORE, openStore } from '../store/open.ts';
import { finish } from './command.ts';
import { log, print, printJson } from './output.ts';
import { withStore } from './with-store.ts';

interface Options {
  readonly as?: string;
  readonly mapping?: string;
  readonly constant: string[];
  readonly replace?: boolean;
  readonly store: string;
  readonly json?: boolean;
}

const STORE = ['--store <dir|url>', 'directory or postgres:// URL of the store', DEFAULT_STORE] as const;

export function registerImport(program: Command): void {
  const command = program
    .command('import')
    .argument('<files...>', 'CSV files with published results')
    .description('bring published results in, flag what is wrong with them, keep them apart from our own runs')
    .option('--as <name>', 'what to call them (required)')
    .option(
      '--mapping <name|file>',
      `how to read the columns: ${MAPPINGS.map((one) => one.name).join(', ')}, or a YAML file`,
    )
    .option(
      '--constant <field=value>',
      'a field that the files do not have (repeatable), such as attack=ssba',
      (text: string, before: string[]) => [...before, text],
      [],
    )
    .option('--replace', 'replace results that have this name already')
    .option(...STORE);
  finish(command, [
    'import author-results/SSBA/*/results.csv --as sok-ssba',
    'import results.csv --as leaderboard --mapping backdoorbench',
    'import theirs.csv --as theirs --mapping theirs.yaml --constant attack=wanet',
    'analyze --external sok-ssba',
    'import ls',
  ]).action(importFiles);
  const list = command
    .command('ls')
    .description('what was imported')
    .option(...STORE);
  finish(list, ['import ls']).action(async (_: unknown, self: Command) => {
    const { store: location, json } = self.optsWithGlobals() as Options;
    const sources = await withStore(location, (store) => store.external.list());
    if (json) return printJson({ sources });
    if (sources.length === 0) return print('Nothing was imported.');
    const columns = [
      { title: 'name' },
      { title: 'rows', align: 'right' as const },
      { title: 'files' },
      { title: 'imported' },
    ];
    const rows = sources.map(({ name, rows: count, files, importedAt }) => [
      name,
      String(count),
      [...new Set(files.map((file) => `${file.file} (${file.mapping})`))].join(', '),
      importedAt.slice(0, 10),
    ]);
    return print(textTable(columns, rows));
  });
  const remove = command
    .command('rm')
    .argument('<name>', 'name of imported results')
    .description('remove imported results');
  finish(remove.option(...STORE), ['import rm sok-ssba']).action(async (name: string, _: unknown, self: Command) => {
    const { store: location, json } = self.optsWithGlobals() as Options;
    await withStore(location, (store) => store.external.remove(name));
    if (json) return printJson({ removed: name });
    return print(`${name} removed`);
  });
}

async function importFiles(files: readonly string[], options: Options): Promise<void> {
  const name = checkName(options.as);
  const mapping = options.mapping === undefined ? undefined : findMapping(options.mapping);
  const constants = Object.fromEntries(options.constant.map(parseConstant));
  const read = files.map((file) => readExternalCsv(file, name, mapping, constants));
  const runs = read.flatMap((file) => file.runs);
  const sources = read.map(({ file, sha256, mapping: used, runs: own }) => ({
    file,
    sha256,
    mapping: used,
    rows: own.length,
  }));
  await withNewStore(options.store, (store) =>
    store.external.add(name, sources, runs, { replace: options.replace === true, at: new Date().toISOString() }),
  );
  report(name, sources, runs, options.json === true);
}

function report(name: string, files: readonly { rows: number }[], runs: readonly ExternalRun[], json: boolean): void {
  const faults = countFaults(runs);
  const usable = runs.filter(isUsable).length;
  if (json) {
    printJson({ name, files, rows: runs.length, usable, faults, runs });
    return;
  }
  const table = faultsTable(name, faults, runs.length);
  const parts = [
    ...(table ? [dataTableText(table), ''] : []),
    `${name}: ${runs.length} rows of ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${usable} usable as evidence.`,
    `Analyse them: triggerlab analyze --external ${name}. They are never part of our own means.`,
  ];
  print(parts.join('\n'));
}

function checkName(name: string | undefined): string {
  if (name === undefined) {
    throw inputError('--as is missing: what to call the results', { hint: 'For example --as sok-ssba.' });
  }
  if (/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(name)) return name;
  throw inputError(`--as: "${name.slice(0, 80)}" is no name`, {
    hint: 'Lower-case letters, digits and inner hyphens, at most 64: sok-ssba.',
  });
}

/** Makes the store when there is none yet: published results can come before the first run. */
async function withNewStore(location: string, work: Parameters<typeof withStore<void>>[1]): Promise<void> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(location) || existsSync(location)) return withStore(location, work);
  const store = await openStore(location, { mode: 'own', warn: (message) => log(`warning: ${message}`) });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}
