// `triggerlab datasets`: the labelled images that a spec can name, which of them are here, and how to get the others.
import type { Command } from 'commander';
import { formatBytes } from '../core/format.ts';
import type { DatasetDefinition } from '../data/dataset.ts';
import { currentCard } from '../data/official/definition.ts';
import { datasets } from '../data/registry.ts';
import { textTable } from '../report/text-table.ts';
import { finish } from './command.ts';
import { registerDatasetsFiles } from './datasets-files.ts';
import { registerDatasetsShow } from './datasets-show.ts';
import { print, printJson } from './output.ts';

export function registerDatasets(program: Command): void {
  const group = program
    .command('datasets')
    .description('list, show, pull and import the datasets that a spec can name');
  const list = group.command('ls', { isDefault: true }).description('list them');
  finish(list, ['datasets ls', 'datasets ls --json']).action(listDatasets);
  registerDatasetsShow(group);
  registerDatasetsFiles(group);
}

function listDatasets({ json }: { json?: boolean }): void {
  if (json) {
    printJson({ datasets: datasets.all.map(datasetDocument) });
    return;
  }
  const right = 'right' as const;
  const columns = [
    { title: 'dataset' },
    { title: 'image' },
    { title: 'classes', align: right },
    { title: 'train', align: right },
    { title: 'test', align: right },
    { title: 'where' },
    { title: 'what it is' },
  ];
  const rows = datasets.all.map((entry) => [
    entry.name,
    imageText(entry),
    String(entry.classes.length),
    String(entry.trainCount),
    String(entry.testCount),
    whereText(entry),
    entry.title,
  ]);
  print(textTable(columns, rows));
}

/** What `--json` says of a dataset. */
export function datasetDocument(definition: DatasetDefinition): object {
  const { load, packedFile, official, ...entry } = definition;
  const card = official && currentCard(official);
  return {
    ...entry,
    where: whereOf(definition),
    bytes: official ? downloadBytes(official.files) : null,
    content: card?.content ?? null,
  };
}

/** `pulled`, as published; `imported`, somebody's own files under its name; `published`, not here yet. */
type Where = 'built in' | 'by path' | 'pulled' | 'imported' | 'published';

function whereOf({ official, packedFile }: DatasetDefinition): Where {
  if (!official) return packedFile ? 'by path' : 'built in';
  const card = currentCard(official);
  if (!card) return 'published';
  return card.verified ? 'pulled' : 'imported';
}

export function whereText(entry: DatasetDefinition): string {
  const where = whereOf(entry);
  if (where === 'imported') return 'imported, not as published';
  return where === 'published' && entry.official
    ? `can be pulled, ${formatBytes(downloadBytes(entry.official.files))}`
    : where;
}

/** `32 × 32 RGB`. */
export function imageText({ width, height, channels }: DatasetDefinition): string {
  return `${width} × ${height} ${channels === 1 ? 'grey' : 'RGB'}`;
}

function downloadBytes(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
