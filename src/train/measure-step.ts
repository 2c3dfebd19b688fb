// How fast the training loop itself goes on synthetic images: the measurement behind `triggerlab bench step`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileTensor } from '../core/file-tensor.ts';
import { Rng } from '../core/rng.ts';
import { sizeOf } from '../core/tensor.ts';
import { type Dataset, memorySource } from '../data/dataset.ts';
import { type ArchitectureInfo, describeArchitecture } from '../models/architecture.ts';
import type { FreezePolicy } from '../models/freeze.ts';
import type { ModelDefinition } from '../models/registry.ts';
import { type ModelState, randomState } from '../models/state.ts';
import { openWeights } from '../models/weights/open-weights.ts';
import { writeSafetensors } from '../models/weights/safetensors-file.ts';
import type { StoredTensor } from '../models/weights/weights-file.ts';
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
const CLASSES = 10;
const POOL = 8;

/**
 * Runs `train` with Adam on random pixels and times each step as the training loop sees it: reading the images, drawing
 * dropout masks, the graph from preprocessing to optimiser, and all state in and out of the engine.
 */
export async function measureStep(runtime: Runtime, options: MeasureOptions): Promise<StepMeasurement> {
  const folder = await mkdtemp(join(tmpdir(), 'triggerlab-bench-'));
  try {
    return await measureWith(runtime, options, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As `measureStep`, with weights in `folder`, where graphs refer to them as they do to imported ones. */
async function measureWith(runtime: Runtime, options: MeasureOptions, folder: string): Promise<StepMeasurement> {
  const { model, freeze, batch, size } = options;
  const dataset = syntheticImages(batch * POOL, size);
  // The form for transfer learning, whose speed does not depend on what the weights are.
  const info = describeArchitecture(model.architecture, size, CLASSES, 'pretrained');
  const start = await randomFile(info, folder);
  const network = await createNetwork({ model, dataset, inputSize: size, init: 'pretrained', freeze, seed: 0, start });
  const config = { optimizer: 'adam', learningRate: 1e-3, momentum: 0, weightDecay: 0 } as const;
  const times = async (steps: number): Promise<{ wall: number[]; cpu: number[] }> => {
    const ends: { wall: number; cpu: number }[] = [];
    const loop: TrainingOptions = {
      ...config,
      batchSize: batch,
      epochs: Math.ceil((steps + 1) / POOL),
      seed: 0,
      onProgress: () => {
        const { user, system } = process.cpuUsage();
        ends.push({ wall: performance.now() / 1000, cpu: (user + system) / 1e6 });
      },
    };
    await train(runtime, network, dataset.train, loop);
    const between = (clock: 'wall' | 'cpu') => ends.slice(1).map((end, i) => end[clock] - ends[i][clock]);
    return { wall: between('wall'), cpu: between('cpu') };
  };
  const warm = await times(WARM_UP_STEPS);
  const guess = warm.wall.slice(-3).sort((a, b) => a - b)[1];
  const { wall, cpu } = await times(Math.max(3, Math.ceil(options.seconds / guess)));
  const count = (shapes: readonly { readonly shape: readonly number[] }[]) =>
    shapes.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    steps: wall,
    cpuSeconds: cpu,
    multiplyAdds: multiplyAdds(trainStep(network, optimizer(config)).graph, batch),
    parameters: count(network.info.parameters),
    trainedParameters: count(network.packs),
  };
}

/** Random numbers of a network in a file of `folder`, written one tensor at a time. */
async function randomFile(info: ArchitectureInfo, folder: string): Promise<ModelState> {
  const parts = new Map<string, ArchitectureInfo>([
    ...info.parameters.map((parameter) => [parameter.name, { parameters: [parameter], buffers: [] }] as const),
    ...info.buffers.map((buffer) => [buffer.name, { parameters: [], buffers: [buffer] }] as const),
  ]);
  const types = Object.fromEntries(
    [...info.parameters, ...info.buffers].map(({ name, shape }) => [name, { dtype: 'float32', shape } as const]),
  );
  const read = async (name: string) => randomState(parts.get(name) as ArchitectureInfo, 0)[name];
  const { file } = await writeSafetensors(folder, () => 'weights.safetensors', types, read);
  const weights = await openWeights(join(folder, file));
  await weights.close();
  const place = ([name, { shape, offset = 0 }]: [string, StoredTensor]) =>
    [name, fileTensor('float32', shape, weights.path, offset)] as const;
  return Object.fromEntries([...weights.tensors].map(place));
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
