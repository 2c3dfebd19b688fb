// `triggerlab datasets pull`, `import`, `pack`, `rm`: what brings datasets here, prepares them, and takes them away again.
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { inputError } from '../core/errors.ts';
import { formatBytes, formatSeconds } from '../core/format.ts';
import { isDatasetReference } from '../core/references.ts';
import type { DatasetProgress, OfficialDataset } from '../data/dataset.ts';
import type { DatasetCard } from '../data/official/card.ts';
import { findDataset } from '../data/references.ts';
import { datasets } from '../data/registry.ts';
import { finish } from './command.ts';
import { print, printJson } from './output.ts';
import { Progress, StepProgress, withSteps } from './progress.ts';

interface Json {
  readonly json?: boolean;
}

const NAME = 'a dataset that others published (triggerlab datasets ls)';

export function registerDatasetsFiles(group: Command): void {
  finish(
    group
      .command('pull')
      .argument('<name>', NAME)
      .option('--from <url>', 'folder to download from (also TRIGGERLAB_DATASETS_URL)')
      .option('--offline', 'download nothing: say which files are needed')
      .description('download a dataset as it was published, verify it and put it into the cache'),
    ['datasets pull mnist', 'datasets pull tiny-imagenet --from http://mirror.example/'],
  ).action(pull);
  finish(
    group
      .command('import')
      .argument('<name>', NAME)
      .argument('<path...>', 'a folder with its files as published, or the files')
      .option('--no-verify', 'take files with other checksums too; runs are then known by what they hold')
      .description('put your own copy of the files of a dataset into the cache'),
    [
      'datasets import mnist ~/data/MNIST/raw',
      'datasets import cifar10 cifar-10-binary.tar.gz',
      'datasets import tiny-imagenet part-of-tiny-imagenet.zip --no-verify',
    ],
  ).action(importFiles);
  finish(
    group
      .command('pack')
      .argument('<dataset>', 'a name or a path, with its options')
      .description('decode a dataset into the file that runs read from, now instead of before the first run'),
    ['datasets pack tiny-imagenet', "datasets pack './birds.zip?size=64'"],
  ).action(pack);
  finish(
    group
      .command('rm')
      .argument('<name>', NAME)
      .description('remove a dataset from the cache: its files and what was packed from them'),
    ['datasets rm cifar100'],
  ).action(remove);
}

async function pull(name: string, { json, ...options }: Json & { from?: string; offline?: boolean }): Promise<void> {
  const official = officialOf(name);
  const { pullDataset } = await import('../data/official/pull.ts');
  const progress = new Progress();
  const installing = new StepProgress();
  const { card, fetched } = await pullDataset(official, {
    ...options,
    onDownload({ file, received, kept, total }) {
      progress.download(file, received, kept, total);
    },
    onInstall(...step) {
      progress.end();
      installing.update(...step);
    },
  }).finally(() => {
    progress.end();
    installing.end();
  });
  tell(card, json, fetched ? 'pulled' : 'already in the cache');
}

async function importFiles(name: string, paths: string[], { json, verify }: Json & { verify: boolean }): Promise<void> {
  const official = officialOf(name);
  const [{ findOfficialFiles }, { installDataset }] = await Promise.all([
    import('../data/official/find-files.ts'),
    import('../data/official/install.ts'),
  ]);
  const files = findOfficialFiles(official, paths);
  const card = await withSteps((onProgress) => installDataset(official, files, { verify, move: false, onProgress }));
  tell(card, json, card.verified ? 'imported, as published' : 'imported, not as published');
}

function tell(card: DatasetCard, json: boolean | undefined, done: string): void {
  const { name, classCounts, fingerprint, files } = card;
  if (json) {
    printJson({ dataset: card });
    return;
  }
  const [train, test] = [classCounts.train, classCounts.test].map((counts) => counts.reduce((a, b) => a + b, 0));
  const size = formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0));
  print(
    `${name} ${done}: ${train} training and ${test} test images from ${size}, fingerprint ${fingerprint.slice(0, 12)}`,
  );
  print(`In a spec: dataset: ${name}`);
}

async function pack(name: string, { json }: Json): Promise<void> {
  const started = performance.now();
  const packed = await withSteps((onProgress) => packDataset(name, onProgress));
  const seconds = (performance.now() - started) / 1000;
  const bytes = statSync(packed.path).size;
  const peakMemory = process.resourceUsage().maxRSS * 1024;
  if (json) {
    printJson({ dataset: packed.name, path: packed.path, bytes, images: packed.images, seconds, peakMemory });
    return;
  }
  print(
    `${packed.name}: ${packed.images} images, ${formatBytes(bytes)} in ${packed.path} ` +
      `(${formatSeconds(seconds)}, at most ${formatBytes(peakMemory)} of memory)`,
  );
}

async function packDataset(name: string, onProgress: DatasetProgress) {
  const definition = await findDataset(name, onProgress);
  const { packedFile } = definition;
  if (!packedFile) {
    throw inputError(`${name} is built in: there is nothing to pack`, {
      hint: 'triggerlab datasets ls lists the others.',
    });
  }
  await definition.load(onProgress);
  return { name: definition.name, path: packedFile(), images: definition.trainCount + definition.testCount };
}

async function remove(name: string, { json }: Json): Promise<void> {
  const { removeDataset } = await import('../data/official/remove.ts');
  const { files, bytes } = await removeDataset(officialOf(name));
  if (json) printJson({ dataset: name, removedFiles: files, removedBytes: bytes });
  else print(files === 0 ? `Nothing of ${name} is in the cache.` : `Removed ${formatBytes(bytes)} of ${name}.`);
}

function officialOf(name: string): OfficialDataset {
  if (isDatasetReference(name)) {
    throw inputError(`${name} is a path`, {
      hint: 'A folder or .zip of images is used as it is: dataset: ./birds.zip',
    });
  }
  const { official } = datasets.get(name);
  if (official) return official;
  throw inputError(`${name} is built in: it is always here`);
}
