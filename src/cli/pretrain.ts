// `triggerlab pretrain`: trains a -mini backbone from scratch on natural images and writes its weights with their card.
import { join } from 'node:path';
import type { Command } from 'commander';
import { inputError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { formatPercent, formatSeconds } from '../core/format.ts';
import { sha256Hex } from '../core/hash.ts';
import { models } from '../models/registry.ts';
import { type WeightsCard, weightsDirectory } from '../models/weights/card.ts';
import { encodeSafetensors } from '../models/weights/safetensors.ts';
import { finish } from './command.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './output.ts';
import { Progress } from './progress.ts';

interface Options {
  readonly data: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly trainPerClass?: number;
  readonly seed: number;
  readonly threads: number;
  readonly out: string;
  readonly json?: boolean;
}

export function registerPretrain(program: Command): void {
  const command = program
    .command('pretrain')
    .argument('<model>', 'a -mini model (triggerlab models ls)')
    .requiredOption('--data <zip>', 'the official Tiny ImageNet archive, or a subset in its layout')
    .option('--epochs <n>', 'passes over the training images', wholeNumber(1, 1000), 40)
    .option('--batch-size <n>', 'images per step', wholeNumber(2, 4096), 128)
    .option('--train-per-class <n>', 'use the first n training images of each class', wholeNumber(1, 500))
    .option('--seed <n>', 'decides initialisation, order, crops and dropout', wholeNumber(0, 2 ** 31 - 1), 0)
    .option('--threads <n>', 'threads inside one operation', wholeNumber(1, 256), 1)
    .option('--out <dir>', 'where the weights and their card go', weightsDirectory)
    .description('train a -mini backbone from scratch on natural images and write its weights');
  finish(command, [
    'pretrain resnet-mini --data tiny-imagenet-200.zip',
    'pretrain alexnet-mini --data tiny-imagenet-200.zip --epochs 60 --out /tmp/weights',
  ]).action(pretrainCommand);
}

async function pretrainCommand(name: string, options: Options): Promise<void> {
  const model = models.get(name);
  if (model.inputSize !== 32) {
    throw inputError(`pretrain works at 32 pixels, ${name} takes ${model.inputSize}`, {
      hint: 'Choose a -mini model: triggerlab models ls.',
    });
  }
  // Loaded here because they bring in the engine and the image decoder, which other commands should not wait for.
  const [{ loadTinyImageNet }, { Runtime }, { pretrain }] = await Promise.all([
    import('../data/tiny-imagenet.ts'),
    import('../runtime/node.ts'),
    import('../train/pretrain.ts'),
  ]);
  const progress = new Progress();
  const dataset = await loadTinyImageNet(options.data, {
    size: 32,
    trainPerClass: options.trainPerClass,
    onProgress: (done, total) => progress.update(done / total, `reading images ${done}/${total}`),
  });
  progress.end();
  progress.note(
    `${dataset.train.count} training and ${dataset.test.count} validation images, ${dataset.classes.length} classes`,
  );
  const runtime = new Runtime({ threads: options.threads });
  const training = new Progress();
  const { trained, accuracy, seconds } = await pretrain(runtime, model, dataset, {
    ...options,
    onProgress: (share) => training.update(share, `training ${name}`),
    onEpoch: (epoch, loss, { top1, top5 }) =>
      training.note(
        `epoch ${epoch}/${options.epochs}  loss ${loss.toFixed(3)}  top-1 ${formatPercent(top1)}  top-5 ${formatPercent(top5)}`,
      ),
  });
  training.end();
  await runtime.close();
  const bytes = encodeSafetensors(trained, { model: name });
  const card: WeightsCard = {
    model: name,
    file: `${name}.safetensors`,
    sha256: sha256Hex(bytes),
    inputSize: model.inputSize,
    classes: dataset.classes.length,
    data: `Tiny ImageNet at 32 × 32 pixels: ${dataset.train.count} training images of ${dataset.classes.length} classes`,
    command: commandLine(name, options),
    seed: options.seed,
    epochs: options.epochs,
    accuracy: { ...accuracy, images: dataset.test.count },
    seconds: Math.round(seconds),
  };
  await writeFileAtomic(join(options.out, card.file), bytes);
  await writeFileAtomic(join(options.out, `${name}.json`), `${JSON.stringify(card, null, 2)}\n`);
  if (options.json) printJson({ weights: card });
  else {
    print(
      `${join(options.out, card.file)}: top-1 ${formatPercent(accuracy.top1)}, top-5 ${formatPercent(accuracy.top5)} ` +
        `on ${dataset.test.count} validation images after ${formatSeconds(seconds)}`,
    );
  }
}

/** The command that makes these weights again; the archive goes by its official name. */
function commandLine(name: string, { epochs, batchSize, seed, trainPerClass }: Options): string {
  const perClass = trainPerClass === undefined ? '' : ` --train-per-class ${trainPerClass}`;
  return `triggerlab pretrain ${name} --data tiny-imagenet-200.zip --epochs ${epochs} --batch-size ${batchSize} --seed ${seed}${perClass}`;
}
