// `triggerlab ssba`: trains the encoder and decoder of SSBA's trigger on a dataset's training images.
import type { Command } from 'commander';
import { formatBytes, formatPercent, formatSeconds } from '../core/format.ts';
import { formatDatasetReference, parseDatasetReference } from '../core/references.ts';
import type { HidingReport } from '../metrics/hiding.ts';
import { textTable } from '../report/text-table.ts';
import { type EncoderCard, encoderPath, storedEncoders } from '../triggers/ssba/encoder-files.ts';
import { ssbaSchedules } from '../triggers/ssba/schedules.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './output.ts';
import { withSteps } from './progress.ts';
import { encoderProgress } from './ssba-progress.ts';

/** Test images that the report at the end is measured on, at most. */
const REPORT_IMAGES = 1000;

interface TrainOptions {
  readonly dataset: string;
  readonly size?: number;
  readonly bits: number;
  readonly schedule: string;
  readonly width?: number;
  readonly steps?: number;
  readonly seed: number;
  readonly threads: number;
  readonly json?: boolean;
}

export function registerSsba(program: Command): void {
  const group = program.command('ssba').description('train the networks behind the trigger ssba, list trained ones');
  const train = group
    .command('train')
    .requiredOption('--dataset <name>', 'a dataset (triggerlab datasets ls), or a folder or zip of images')
    .option(
      '--size <px>',
      'side of the images, where a dataset can be had at another than its own',
      wholeNumber(8, 1024),
    )
    .option('--bits <n>', 'length of the secret', wholeNumber(1, 1000), 20)
    .option('--schedule <name>', ssbaSchedules.all.map(({ name, title }) => `${name} (${title})`).join('; '), 'fast')
    .option('--width <n>', "channels of the encoder's first layer; default: the schedule's", wholeNumber(1, 128))
    .option('--steps <n>', "training steps, at most; default: the schedule's", wholeNumber(1, 1_000_000))
    .option('--seed <n>', 'decides initialisation, images and secrets', wholeNumber(0, 2 ** 31 - 1), 0)
    .option('--threads <n>', 'threads inside one operation', wholeNumber(1, 256), 1)
    .description('train an encoder and a decoder of secrets, or continue to; they are kept in the cache directory');
  finish(train, [
    'ssba train --dataset cifar10.zip --bits 20',
    'ssba train --dataset tiny-imagenet --size 32 --bits 100 --schedule light',
  ]).action(trainCommand);
  const list = group.command('ls', { isDefault: true }).description('list trained encoders');
  finish(list, ['ssba ls', 'ssba ls --json']).action(listCommand);
}

async function trainCommand(options: TrainOptions): Promise<void> {
  const schedule = ssbaSchedules.get(options.schedule);
  // Loaded here because they bring in the engine, which other commands should not wait for.
  const [{ findDataset }, { Runtime }, { ensureEncoder }, { Codec }, { hidingReport }] = await Promise.all([
    import('../data/references.ts'),
    import('../runtime/node.ts'),
    import('../train/ssba/ensure.ts'),
    import('../triggers/ssba/codec.ts'),
    import('../metrics/hiding.ts'),
  ]);
  const definition = await withSteps((onProgress) => findDataset(sized(options.dataset, options.size), onProgress));
  const runtime = new Runtime({ threads: options.threads });
  const { bits, width, steps, seed } = options;
  const { encoder, key, settings, trained } = await ensureEncoder(runtime, definition, {
    ...{ bits, width, steps, seed, schedule },
    ...encoderProgress(),
    signal: interruptSignal(),
  });
  const { test } = await definition.load();
  const codec = new Codec(runtime, settings.size, encoder.parameters);
  const rows = Int32Array.from({ length: Math.min(REPORT_IMAGES, test.count) }, (_, row) => row);
  const report = {
    one: await hidingReport(codec, test, rows, { mode: 'one', seed: 0 }),
    perImage: await hidingReport(codec, test, rows, { mode: 'per-image', seed: 0 }),
  };
  await runtime.close();
  const path = encoderPath(key);
  if (options.json) printJson({ key, hash: encoder.hash, path, trained, ...encoder.card, test: report });
  else print(reportText(path, encoder.card, trained, report));
}

/** Aborted by the first Ctrl-C. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

interface Report {
  readonly one: HidingReport;
  readonly perImage: HidingReport;
}

function reportText(path: string, card: EncoderCard, trained: boolean, { one, perImage }: Report): string {
  const right = 'right' as const;
  const columns = [
    { title: 'secret' },
    { title: 'bits right', align: right },
    { title: 'all bits right', align: right },
    { title: 'PSNR', align: right },
    { title: 'SSIM', align: right },
    { title: 'cosine of residuals', align: right },
    { title: 'in common', align: right },
  ];
  const row = (secret: string, { bitAccuracy, wholeSecrets, psnr, ssim, cosine, common }: HidingReport) => [
    secret,
    formatPercent(bitAccuracy, 2),
    formatPercent(wholeSecrets),
    `${psnr.toFixed(1)} dB`,
    ssim?.toFixed(4) ?? '–',
    cosine.toFixed(3),
    formatPercent(common),
  ];
  const { steps, seconds, schedule, width, bits, side, dataset } = card;
  return [
    `${path}\n`,
    `${trained ? 'Trained' : 'There already, trained'} on ${dataset}: ${bits} bits in ${side} px, schedule ${schedule}, width ${width}, ` +
      `${steps} steps in ${formatSeconds(seconds)}.`,
    `On ${one.images} test images, which it has not seen, after rounding to 8 bits:\n`,
    textTable(columns, [row('one for all', one), row('per image', perImage)]),
    '\nCosine: mean over all pairs of images; 1 for a fixed pattern. In common: share of the residuals’ energy in their mean.',
  ].join('\n');
}

/** The dataset's name with the side that its images are to have. */
function sized(name: string, size: number | undefined): string {
  if (size === undefined) return name;
  const { path, options } = parseDatasetReference(name);
  return formatDatasetReference({ path, options: { ...options, size } });
}

function listCommand({ json }: { json?: boolean }): void {
  const encoders = storedEncoders();
  if (json) {
    printJson({ encoders: encoders.map(({ card, ...rest }) => ({ ...rest, ...card })) });
    return;
  }
  if (encoders.length === 0) {
    print('No encoder has been trained yet: triggerlab ssba train --help');
    return;
  }
  const right = 'right' as const;
  const columns = [
    { title: 'encoder' },
    { title: 'images' },
    { title: 'bits', align: right },
    { title: 'width', align: right },
    { title: 'schedule' },
    { title: 'steps', align: right },
    { title: 'bits right', align: right },
    { title: 'PSNR', align: right },
    { title: 'size', align: right },
  ];
  const rows = encoders.map(({ key, bytes, card }) =>
    card
      ? [
          key,
          `${card.dataset}, ${card.side} px`,
          String(card.bits),
          String(card.width),
          card.schedule,
          String(card.steps),
          formatPercent(card.bitAccuracy),
          `${card.psnr.toFixed(1)} dB`,
          formatBytes(bytes),
        ]
      : [key, 'damaged', '', '', '', '', '', '', formatBytes(bytes)],
  );
  print(textTable(columns, rows));
}
