// How fast the training loop itself goes on synthetic images: the measurement behind `triggerlab bench step`.
import { Rng } from '../core/rng.ts';
import { sizeOf } from '../core/tensor.ts';
import { type Dataset, memorySource } from '../data/dataset.ts';
import type { FreezePolicy } from '../models/freeze.ts';
import type { ModelDefinition } from '../models/registry.ts';
import type { Runtime } from '../runtime/node.ts';
import { multiplyAdds } from './multiply-adds.ts';
import { createNetwork } from './network.ts';
import { optimizer } from './optimizers.ts';
import { type TrainingOptions, train } from './train.ts';
import { trainStep } from './train-step.ts';

export interface MeasureOptions {
  readonly model: ModelDefinition;
  readonly freeze: FreezePolicy;
  /** Images per step. */
  readonly batch: number;
  /** Side of the square images, which are fed at the network's input size: no resize. */
  readonly size: number;
  /** How long to measure, after the warm-up. */
  readonly seconds: number;
}

export interface StepMeasurement {
  /** Seconds of each measured step, in order. */
  readonly steps: readonly number[];
  /** Multiply-adds of convolutions and matrix products in one step. */
  readonly multiplyAdds: number;
  /** Numbers in the network's parameters, and in those that the freeze policy trains. */
  readonly parameters: number;
  readonly trainedParameters: number;
}

/** Steps before the clock counts: sessions allocate their memory and the host code is compiled. */
export const WARM_UP_STEPS = 5;
const CLASSES = 10;
const POOL = 8;

/**
 * Runs `train` with Adam on random pixels and times each step as the training loop sees it: reading the images, drawing
 * dropout masks, the graph from preprocessing to optimiser, and all state in and out of the engine.
 */
export async function measureStep(runtime: Runtime, options: MeasureOptions): Promise<StepMeasurement> {
  const { model, freeze, batch, size } = options;
  const dataset = syntheticImages(batch * POOL, size);
  const network = await createNetwork({ model, dataset, inputSize: size, init: 'random', freeze, seed: 0 });
  const config = { optimizer: 'adam', learningRate: 1e-3, momentum: 0, weightDecay: 0 } as const;
  const times = async (steps: number): Promise<number[]> => {
    const ends: number[] = [];
    const loop: TrainingOptions = {
      ...config,
      batchSize: batch,
      epochs: Math.ceil((steps + 1) / POOL),
      seed: 0,
      onProgress: () => ends.push(performance.now()),
    };
    await train(runtime, network, dataset.train, loop);
    return ends.slice(1).map((end, i) => (end - ends[i]) / 1000);
  };
  const warm = await times(WARM_UP_STEPS);
  const guess = warm.slice(-3).sort((a, b) => a - b)[1];
  const steps = await times(Math.max(3, Math.ceil(options.seconds / guess)));
  const count = (shapes: readonly { readonly shape: readonly number[] }[]) =>
    shapes.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    steps,
    multiplyAdds: multiplyAdds(trainStep(network, optimizer(config)).graph, batch),
    parameters: count(network.info.parameters),
    trainedParameters: count(network.packs),
  };
}

function syntheticImages(count: number, size: number): Pick<Dataset, 'classes' | 'train'> {
  const rng = Rng.of(0, 'bench');
  const pixels = new Uint8Array(count * size * size * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = rng.bits() & 255;
  const labels = Uint16Array.from({ length: count }, (_, i) => i % CLASSES);
  return {
    classes: Array.from({ length: CLASSES }, (_, i) => String(i)),
    train: memorySource({ height: size, width: size, channels: 3 }, pixels, labels),
  };
}
