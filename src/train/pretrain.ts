// Training a backbone from scratch on natural images: where the shipped -mini weights come from.
import type { Rng } from '../core/rng.ts';
import { shiftAndMirror } from '../data/augment.ts';
import type { Dataset } from '../data/dataset.ts';
import { Graph } from '../graph/graph.ts';
import type { ModelDefinition } from '../models/registry.ts';
import type { Runtime } from '../runtime/node.ts';
import { imageFeeds } from './feeds.ts';
import { createNetwork, emitForward, type Network } from './network.ts';
import { stateFeeds, type TrainedState } from './predict.ts';
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
 * The recipe of each family: residual networks take SGD with momentum; AlexNet has no batch norm and needs Adam, and at
 * this size it learns too little to afford dropout (which comes back in transfer learning).
 */
const RECIPES = {
  resnet: { optimizer: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4, dropout: true },
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
    augment: (pixels: Uint8Array, rng: Rng) => shiftAndMirror(pixels, dataset.train, CROP_PAD, rng),
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
  const graph = new Graph('logits');
  graph.output('logits', emitForward(graph, network, 'evaluate').logits);
  const session = await runtime.open(graph);
  const state = stateFeeds(network, trained);
  let top1 = 0;
  let top5 = 0;
  for (let at = 0; at < test.count; at += 256) {
    const rows = Int32Array.from({ length: Math.min(256, test.count - at) }, (_, i) => at + i);
    const { data } = (await session.run({ ...state, ...imageFeeds(test, rows, false) })).logits;
    const logits = data as Float32Array;
    for (const [i, row] of rows.entries()) {
      const own = logits.subarray(i * network.classes, (i + 1) * network.classes);
      const label = test.labels[row];
      // Where several tie, the first counts as the larger, as in predict.
      const larger = own.filter((value, k) => value > own[label] || (value === own[label] && k < label)).length;
      if (larger === 0) top1++;
      if (larger < 5) top5++;
    }
  }
  return { top1: top1 / test.count, top5: top5 / test.count };
}
