// `triggerlab weights`: the pretrained weights that are there, and how to get more.
import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { formatBytes } from '../core/format.ts';
import { splitVersion } from '../core/references.ts';
import { models } from '../models/registry.ts';
import { allWeights, type LocatedWeights, locateWeights, weightsName } from '../models/weights/card.ts';
import { publishedFor } from '../models/weights/published.ts';
import { textTable } from '../report/text-table.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './output.ts';
import { Progress } from './progress.ts';

interface ImportFlags {
  readonly model: string;
  readonly inputSize?: number;
  readonly prefix?: string;
  readonly data?: string;
  readonly json?: boolean;
}

interface PullFlags {
  readonly from?: string;
  readonly offline?: boolean;
  readonly json?: boolean;
}

export function registerWeights(program: Command): void {
  const group = program.command('weights').description('list, import and download pretrained weights');
  finish(group.command('ls', { isDefault: true }).description('list what is shipped, in the cache, and published'), [
    'weights ls',
    'weights ls --json',
  ]).action(listWeights);
  finish(
    group
      .command('import')
      .argument('<file>', 'safetensors, PyTorch .pth or .pt (a state dict), or ONNX')
      .requiredOption('--model <name>', 'the model they belong to (triggerlab models ls), such as vgg16 or vgg16@mine')
      .option('--input-size <n>', 'side of the images they were trained on, in pixels', wholeNumber(8, 2048))
      .option('--prefix <text>', "what the file puts before the model's names, such as backbone.")
      .option('--data <text>', 'the images they were trained on, for the card')
      .description('check weights against a model and put them into the cache'),
    [
      'weights import resnet18-f37072fd.pth --model resnet18',
      'weights import mine.safetensors --model vgg19_bn@mine --data "my images"',
    ],
  ).action(importCommand);
  finish(
    group
      .command('pull')
      .argument(
        '<model>',
        'a model that torchvision publishes weights for (triggerlab weights ls), such as resnet152 or resnet152@V1',
      )
      .option('--from <url>', 'folder to download from (also TRIGGERLAB_WEIGHTS_URL)')
      .option('--offline', 'download nothing: say which file is needed')
      .description("download torchvision's weights, verify them and put them into the cache"),
    ['weights pull resnet18', 'weights pull resnet152@V1'],
  ).action(pullCommand);
}

/** One row per model and version: what is there, then what could be. */
function weightsRows() {
  return models.all.flatMap(({ name: model }) => {
    const there = allWeights(model);
    const plain = locateWeights(model)?.name;
    const published = publishedFor(model);
    const isDefault = (version: string | undefined) => published.some((p) => p.isDefault && p.version === version);
    const rest = published.filter(({ version }) => !there.some(({ card }) => card.version === version));
    return [
      ...there.map((weights) => ({
        ...describe(weights),
        default: isDefault(weights.card.version),
        plain: weights.name === plain,
      })),
      ...rest.map(({ version, file, bytes, inputSize, classes, sha256 }) => ({
        name: weightsName(model, version),
        ...{ model, version, where: 'published' as const, file, path: null, bytes, inputSize, classes },
        ...{ sha256: null, sourceSha256: sha256, data: null, default: isDefault(version), plain: false },
      })),
    ];
  });
}

function describe({ name, card, path, where }: LocatedWeights) {
  const { model, version = null, file, inputSize, classes, sha256, data } = card;
  const bytes = existsSync(path) ? statSync(path).size : null;
  const sourceSha256 = card.sourceSha256 ?? null;
  return { name, model, version, where, file, path, bytes, inputSize, classes, sha256, sourceSha256, data };
}

function listWeights({ json }: { json?: boolean }): void {
  const rows = weightsRows();
  if (json) {
    printJson({ weights: rows });
    return;
  }
  const right = 'right' as const;
  const columns = [
    { title: 'name in a spec' },
    { title: 'where' },
    { title: 'size', align: right },
    { title: 'classes', align: right },
    { title: 'SHA-256' },
  ];
  const cells = rows.map((row) => [
    `${row.name}${row.plain && row.version !== null ? `, ${row.model}` : ''}`,
    row.where === 'published' ? `can be pulled${row.default ? ' (default)' : ''}` : row.where,
    row.bytes === null ? 'missing' : formatBytes(row.bytes),
    String(row.classes),
    (row.sha256 ?? row.sourceSha256 ?? '').slice(0, 8),
  ]);
  print(textTable(columns, cells));
}

async function importCommand(file: string, { model: name, json, ...flags }: ImportFlags): Promise<void> {
  const { model: base, version } = splitVersion(name);
  const model = models.get(base);
  const options = { ...flags, ...(version === undefined ? {} : { version }) };
  const { importWeights } = await import('../models/weights/import-weights.ts');
  const progress = new Progress();
  const onProgress = (share: number) => progress.update(share, `importing ${name}`);
  const located = await importWeights(model, file, { ...options, onProgress }).finally(() => progress.end());
  tell(located, json, 'imported');
}

async function pullCommand(name: string, { json, ...options }: PullFlags): Promise<void> {
  const { model: base, version } = splitVersion(name);
  const { choosePublished, pullWeights } = await import('../models/weights/pull-weights.ts');
  const published = choosePublished(base, version);
  const model = models.get(base);
  const progress = new Progress();
  const importing = new Progress();
  const located = await pullWeights(model, published, {
    ...options,
    onDownload({ received, resumedAt, total = published.bytes }) {
      progress.download(published.file, received, resumedAt, total);
    },
    onImport(share) {
      progress.end();
      importing.update(share, `importing ${name}`);
    },
  }).finally(() => {
    progress.end();
    importing.end();
  });
  tell(located, json, located.fetched ? 'pulled' : 'already in the cache');
}

function tell({ name, card, path, where }: LocatedWeights, json: boolean | undefined, done: string): void {
  const plain = locateWeights(card.model)?.name === name;
  if (json) {
    printJson({ weights: { name, ...card, path, where, plain } });
    return;
  }
  const { model, classes } = card;
  const use = plain && name !== model ? `${name} or ${model}` : name;
  print(`${name}, ${classes} classes, ${done}: ${path}\nIn a spec: model: ${use}`);
}
