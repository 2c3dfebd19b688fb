// How fast the training loop itself goes on synthetic images: the measurement behind `triggerlab bench step`.
import { sizeOf } from '../core/tensor.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { FreezePolicy } from '../models/freeze.ts';
import type { ModelDefinition } from '../models/registry.ts';
import type { Runtime } from '../runtime/node.ts';
import { multiplyAdds } from './multiply-adds.ts';
import type { Network } from './network.ts';
import { optimizer } from './optimizers.ts';
import { withSyntheticNetwork } from './synthetic-network.ts';
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
  /** Processor time of each, over all threads: what another program on the machine does changes it little. */
  readonly cpuSeconds: readonly number[];
  /** Multiply-adds of convolutions and matrix products in one step. */
  readonly multiplyAdds: number;
  /** Numbers in the network's parameters, and in those that the freeze policy trains. */
  readonly parameters: number;
  readonly trainedParameters: number;
}

/** Steps before the clock counts: sessions allocate their memory and the host code is compiled. */
export const WARM_UP_STEPS = 5;
const POOL = 8;

/**
 * Runs `train` with Adam on random pixels and times each step as the training loop sees it: reading the images, drawing
 * dropout masks, the graph from preprocessing to optimiser, and all state in and out of the engine.
 */
export function measureStep(runtime: Runtime, options: MeasureOptions): Promise<StepMeasurement> {
  const { model, freeze, batch, size } = options;
  const shape = { height: size, width: size, channels: 3 } as const;
  return withSyntheticNetwork({ model, freeze, inputSize: size, shape, images: batch * POOL }, (network, images) =>
    measureWith(runtime, options, network, images),
  );
}

async function measureWith(
  runtime: Runtime,
  { batch, seconds }: MeasureOptions,
  network: Network,
  images: ImageSource,
): Promise<StepMeasurement> {
  const { wall, cpu } = await timeSteps(runtime, network, images, { batch, seconds, warmUp: WARM_UP_STEPS });
  const count = (shapes: readonly { readonly shape: readonly number[] }[]) =>
    shapes.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    steps: wall,
    cpuSeconds: cpu,
    multiplyAdds: multiplyAdds(trainStep(network, optimizer(ADAM)).graph, batch),
    parameters: count(network.info.parameters),
    trainedParameters: count(network.packs),
  };
}

const ADAM = { optimizer: 'adam', learningRate: 1e-3, momentum: 0, weightDecay: 0 } as const;

export interface StepTimes {
  /** Seconds of each measured step, in order. */
  readonly wall: readonly number[];
  /** Processor time of each, over all threads. */
  readonly cpu: readonly number[];
}

/** Times at least three steps, and as many as fit into `seconds`, after `warmUp` steps. Images: any number of whole batches. */
export async function timeSteps(
  runtime: Runtime,
  network: Network,
  images: ImageSource,
  { batch, seconds, warmUp }: { readonly batch: number; readonly seconds: number; readonly warmUp: number },
): Promise<StepTimes> {
  const times = async (steps: number): Promise<StepTimes> => {
    const ends: { wall: number; cpu: number }[] = [];
    const loop: TrainingOptions = {
      ...ADAM,
      batchSize: batch,
      epochs: Math.ceil((steps + 1) / (images.count / batch)),
      seed: 0,
      onProgress: () => {
        const { user, system } = process.cpuUsage();
        ends.push({ wall: performance.now() / 1000, cpu: (user + system) / 1e6 });
      },
    };
    await train(runtime, network, images, loop);
    const between = (clock: 'wall' | 'cpu') => ends.slice(1).map((end, i) => end[clock] - ends[i][clock]);
    return { wall: between('wall'), cpu: between('cpu') };
  };
  const { wall } = await times(warmUp);
  const guess = wall.slice(-3).sort((a, b) => a - b)[1] ?? wall[0];
  return times(Math.max(3, Math.ceil(seconds / guess)));
}
