// `triggerlab datasets show`: one dataset, its classes, its pixels in numbers, and a sheet of its images.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { inputError, messageOf } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { datasetLabel } from '../core/references.ts';
import type { Dataset, DatasetDefinition, DatasetProgress, ImageSource } from '../data/dataset.ts';
import { currentCard } from '../data/official/definition.ts';
import { findDataset } from '../data/references.ts';
import { pixelStatistics } from '../data/statistics.ts';
import { textTable } from '../report/text-table.ts';
import { finish } from './command.ts';
import { datasetDocument, imageText, whereText } from './datasets.ts';
import { inlineImage, inlineProtocol } from './inline-image.ts';
import { log, print, printJson } from './output.ts';
import { StepProgress } from './progress.ts';

interface Options {
  readonly json?: boolean;
  /** A file; false for none. */
  readonly sheet?: string | false;
}

type Split = ReturnType<typeof splitStatistics>;

/** More classes than these are told in one line. */
const MAX_LINES = 60;

export function registerDatasetsShow(group: Command): void {
  const command = group
    .command('show')
    .argument('<dataset>', 'a name or the path of a folder or .zip of images, with its options')
    .option('--sheet <file>', 'where the sheet of images goes (PNG; default: inline, or NAME-images.png)')
    .option('--no-sheet', 'write no sheet of images')
    .description('show one dataset: classes, mean and standard deviation of its pixels, a sheet of its images');
  finish(command, [
    'datasets show mnist',
    "datasets show 'cifar10?classes=cat+dog&perClass=500' --sheet cats-and-dogs.png",
    'datasets show ./birds.zip --json',
  ]).action(show);
}

async function show(name: string, { json, sheet: to }: Options): Promise<void> {
  const progress = new StepProgress();
  const { definition, dataset, train, test } = await measure(name, progress.update).finally(() => progress.end());
  const sheet = await drawSheet(dataset, definition, to, json === true);
  if (json) {
    printJson({ dataset: { ...datasetDocument(definition), statistics: { train, test }, sheet: sheet ?? null } });
    return;
  }
  print(describe(definition, train, test));
  if (sheet !== undefined) print(`\nImages: ${sheet}`);
}

async function measure(name: string, onProgress: DatasetProgress) {
  const definition = await findDataset(name, onProgress);
  const dataset = await definition.load(onProgress);
  const total = dataset.train.count + dataset.test.count;
  const part = (source: ImageSource, before: number) =>
    splitStatistics(source, (done) => onProgress('measuring pixels', before + done, total));
  return { definition, dataset, train: part(dataset.train, 0), test: part(dataset.test, dataset.train.count) };
}

function splitStatistics(source: ImageSource, onRows: (done: number) => void) {
  return { images: source.count, unit: '0-255' as const, ...pixelStatistics(source, onRows) };
}

function describe(definition: DatasetDefinition, train: Split, test: Split): string {
  const { name, title, source, classes, classCounts, fingerprint, official } = definition;
  const card = official && currentCard(official);
  const right = 'right' as const;
  const columns = [
    { title: 'class', align: right },
    { title: 'name' },
    { title: 'train', align: right },
    { title: 'test', align: right },
  ];
  const rows = classes.map((label, i) => [String(i), label, String(classCounts.train[i]), String(classCounts.test[i])]);
  const table =
    classes.length <= MAX_LINES
      ? textTable(columns, rows)
      : `${classes.length} classes, ${range(classCounts.train)} training and ${range(classCounts.test)} test images each (--json lists them)`;
  return [
    `${datasetLabel(name)}: ${title}`,
    `${imageText(definition)}, ${train.images} training and ${test.images} test images, ${whereText(definition)}`,
    `from ${source}`,
    `fingerprint ${fingerprint}${card && !card.verified ? ' (of its own content)' : ''}`,
    '',
    `pixels from 0 to 255    mean ${numbers(train.mean)}, standard deviation ${numbers(train.std)} (training)`,
    `                        mean ${numbers(test.mean)}, standard deviation ${numbers(test.std)} (test)`,
    '',
    table,
  ].join('\n');
}

function numbers(values: readonly number[]): string {
  return values.map((value) => value.toFixed(2)).join(' ');
}

function range(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(least) : `${least} to ${most}`;
}

/** Shows the sheet or writes it; the path of the file, undefined when there is none. */
async function drawSheet(
  dataset: Dataset,
  definition: DatasetDefinition,
  to: Options['sheet'],
  json: boolean,
): Promise<string | undefined> {
  if (to === false || (json && to === undefined)) return undefined;
  // Loaded here because it brings in the image encoder, which other commands should not wait for.
  const { contactSheet } = await import('../report/contact-sheet.ts');
  const { png, caption } = await contactSheet(dataset);
  const protocol = to === undefined ? inlineProtocol(process.env, process.stdout.isTTY === true) : undefined;
  if (protocol) {
    print(inlineImage(png, protocol));
    print(caption);
    return undefined;
  }
  const plain = datasetLabel(definition.name).replace(/\.zip|\/|\?.*$/gi, '');
  const path = resolve(to ?? `${plain}-images.png`);
  try {
    await writeFileAtomic(path, png);
  } catch (cause) {
    throw inputError(`${path} cannot be written: ${messageOf(cause)}`, {
      hint: 'Name another file with --sheet, or write none: --no-sheet.',
      cause,
    });
  }
  if (!json) log(caption);
  return path;
}
