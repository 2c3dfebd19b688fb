// Training a backbone from scratch on natural images: where the shipped -mini weights come from.
import { inputError } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import { shiftAndMirror } from '../data/augment.ts';
import { type Dataset, everyRow } from '../data/dataset.ts';
import type { ModelDefinition } from '../models/registry.ts';
import type { Runtime } from '../runtime/node.ts';
import { createNetwork, type Network } from './network.ts';
import { eachLogits, type TrainedState } from './predict.ts';
import { train } from './train.ts';

export interface PretrainOptions {
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly onEpoch?: (epoch: number, loss: number, accuracy: TopAccuracy) => void;
  readonly onProgress?: (share: number) => void;
}

/** Shares of images whose class is the largest logit, or among the five largest. */
export interface TopAccuracy {
  readonly top1: number;
  readonly top5: number;
}

/**
 * The recipe of each family: networks with batch norm take SGD with momentum; AlexNet has none and needs Adam. At this size
 * they learn too little to afford dropout (which comes back in transfer learning).
 */
const SGD = { optimizer: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4, dropout: true } as const;
const RECIPES = {
  resnet: SGD,
  googlenet: { ...SGD, dropout: false },
  vgg: { ...SGD, dropout: false },
  alexnet: { optimizer: 'adam', learningRate: 2e-3, momentum: 0, weightDecay: 0, dropout: false },
} as const;

/** Share of the steps in which the learning rate climbs before it falls along a half cosine to zero. */
const WARM_UP = 0.1;
const CROP_PAD = 4;

/** Trains a model from scratch with crops and mirror images; the learning rate warms up and falls along a cosine. */
export async function pretrain(
  runtime: Runtime,
  model: ModelDefinition,
  dataset: Dataset,
  options: PretrainOptions,
): Promise<{ trained: TrainedState; accuracy: TopAccuracy; seconds: number }> {
  if (model.family === 'onnx') {
    throw inputError(`"${model.name}" is an imported model: there is no recipe for training it from scratch`, {
      hint: 'Name one of: triggerlab models ls',
    });
  }
  const { dropout, ...recipe } = RECIPES[model.family];
  const network = await createNetwork({
    model,
    dataset,
    inputSize: model.inputSize,
    init: 'random',
    freeze: { kind: 'none' },
    seed: options.seed,
    dropout,
  });
  let accuracy: TopAccuracy = { top1: 0, top5: 0 };
  const { trained, seconds } = await train(runtime, network, dataset.train, {
    ...recipe,
    ...options,
    augment: {
      shape: dataset.train,
      atInputSize: false,
      apply(pixels: Uint8Array, rng: Rng) {
        shiftAndMirror(pixels, dataset.train, CROP_PAD, rng);
        return pixels;
      },
    },
    schedule: (step, steps) => recipe.learningRate * warmUpAndCosine(step / steps),
    async onEpoch(epoch, loss, state) {
      accuracy = await topAccuracy(runtime, network, state(), dataset);
      options.onEpoch?.(epoch, loss, accuracy);
    },
  });
  return { trained, accuracy, seconds };
}

function warmUpAndCosine(share: number): number {
  if (share < WARM_UP) return (share + 1e-3) / WARM_UP;
  return 0.5 * (1 + Math.cos((Math.PI * (share - WARM_UP)) / (1 - WARM_UP)));
}

/** Top-1 and top-5 accuracy on the test split. */
async function topAccuracy(
  runtime: Runtime,
  network: Network,
  trained: TrainedState,
  { test }: Dataset,
): Promise<TopAccuracy> {
  let top1 = 0;
  let top5 = 0;
  await eachLogits(runtime, network, trained, test, everyRow(test), (logits, row) => {
    const label = test.labels[row];
    // Where several tie, the first counts as the larger, as in predict.
    const larger = logits.filter((value, k) => value > logits[label] || (value === logits[label] && k < label)).length;
    if (larger === 0) top1++;
    if (larger < 5) top5++;
  });
  return { top1: top1 / test.count, top5: top5 / test.count };
}
