// `triggerlab cache`: features that runs share and what audits found so far, kept on disk: what is there, and how to be rid of it.
import type { Command } from 'commander';
import { formatBytes } from '../core/format.ts';
import { cachedTables, clearFeatures, featureDirectory, featureLimit } from '../data/feature-cache.ts';
import { textTable } from '../report/text-table.ts';
import { auditDirectory, clearAudits, keptAudits } from '../runner/audit-directory.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';

interface Options {
  readonly json?: boolean;
}

export function registerCache(program: Command): void {
  const group = program
    .command('cache')
    .description('list or clear what is kept of frozen networks’ work, and of audits');
  const list = group.command('ls', { isDefault: true }).description('list it');
  finish(list, ['cache ls', 'cache ls --json']).action(listCache);
  const clear = group.command('clear').description('delete it; it is computed again when it is needed');
  finish(clear, ['cache clear', 'cache clear --json']).action(clearCache);
}

function listCache({ json }: Options): void {
  const directory = featureDirectory();
  const limitBytes = featureLimit();
  const tables = cachedTables(directory);
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  const audits = auditsKept();
  if (json) {
    const features = tables.map(({ used, ...table }) => ({ ...table, lastUsed: new Date(used).toISOString() }));
    printJson({ directory, limitBytes, bytes, features, audits });
    return;
  }
  const right = 'right' as const;
  const columns = [
    { title: 'model' },
    { title: 'input', align: right },
    { title: 'features of' },
    { title: 'numbers', align: right },
    { title: 'size', align: right },
    { title: 'last used' },
  ];
  const rows = tables.map(({ model, inputSize, boundary, width, bytes: size, used }) => [
    model,
    `${inputSize} px`,
    boundary,
    String(width),
    formatBytes(size),
    new Date(used).toISOString().slice(0, 16).replace('T', ' '),
  ]);
  if (rows.length > 0) print(`${textTable(columns, rows)}\n`);
  print(`${formatBytes(bytes)} of at most ${formatBytes(limitBytes)} in ${directory}`);
  if (audits.count > 0) print(`${formatBytes(audits.bytes)} of ${audits.count} audits in ${audits.directory}`);
}

function auditsKept(): { directory: string; count: number; bytes: number } {
  const kept = keptAudits();
  return { directory: auditDirectory(), count: kept.length, bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0) };
}

async function clearCache({ json }: Options): Promise<void> {
  const directory = featureDirectory();
  const { files, bytes } = await clearFeatures(directory);
  const audits = auditsKept();
  await clearAudits();
  if (json) {
    printJson({ directory, removedFiles: files, removedBytes: bytes, removedAudits: audits.count });
    return;
  }
  if (audits.count > 0) print(`Removed ${formatBytes(audits.bytes)} of audits from ${audits.directory}.`);
  print(files === 0 ? `Nothing is cached in ${directory}.` : `Removed ${formatBytes(bytes)} from ${directory}.`);
}
