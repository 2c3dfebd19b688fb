// A network with random numbers and images of random pixels: enough to measure how fast it trains, since speed does not depend on either.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileTensor } from '../core/file-tensor.ts';
import { bytesPerImage, type ImageShape } from '../core/images.ts';
import { Rng } from '../core/rng.ts';
import { type ImageSource, memorySource } from '../data/dataset.ts';
import { type ArchitectureInfo, describeArchitecture } from '../models/architecture.ts';
import type { FreezePolicy } from '../models/freeze.ts';
import type { ModelDefinition } from '../models/registry.ts';
import { type ModelState, randomState } from '../models/state.ts';
import { openWeights } from '../models/weights/open-weights.ts';
import { writeSafetensors } from '../models/weights/safetensors-file.ts';
import type { StoredTensor } from '../models/weights/weights-file.ts';
import { createNetwork, type Network } from './network.ts';

export interface SyntheticOptions {
  readonly model: ModelDefinition;
  readonly freeze: FreezePolicy;
  /** Side of the network's input in pixels. */
  readonly inputSize: number;
  /** Of the images that are fed. */
  readonly shape: ImageShape;
  /** How many of them. */
  readonly images: number;
}

const CLASSES = 10;

/** Hands the network, in the form for transfer learning, and images to `work`. Its weights lie in a temporary folder, where graphs refer to them as they do to imported ones. */
export async function withSyntheticNetwork<T>(
  { model, freeze, inputSize, shape, images }: SyntheticOptions,
  work: (network: Network, images: ImageSource, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'triggerlab-bench-'));
  try {
    const train = syntheticImages(images, shape);
    const dataset = { classes: Array.from({ length: CLASSES }, (_, i) => String(i)), train };
    const start = await randomFile(describeArchitecture(model.architecture, inputSize, CLASSES, 'pretrained'), folder);
    const network = await createNetwork({ model, dataset, inputSize, init: 'pretrained', freeze, seed: 0, start });
    return await work(network, train, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

function syntheticImages(count: number, shape: ImageShape): ImageSource {
  const rng = Rng.of(0, 'bench');
  const pixels = new Uint8Array(count * bytesPerImage(shape));
  for (let i = 0; i < pixels.length; i++) pixels[i] = rng.bits() & 255;
  const labels = Uint16Array.from({ length: count }, (_, i) => i % CLASSES);
  return memorySource(shape, pixels, labels);
}
