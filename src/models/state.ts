// The numbers of a network: parameters and running statistics, from shipped weights or drawn from a seed.
import { readFile } from 'node:fs/promises';
import { failedError, inputError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import { Rng } from '../core/rng.ts';
import { filled, type Tensor } from '../core/tensor.ts';
import { type ArchitectureInfo, describeArchitecture } from './architecture.ts';
import { initialize } from './initializers.ts';
import type { ModelDefinition } from './registry.ts';
import { weightsCard, weightsDirectory } from './weights/card.ts';
import { decodeSafetensors } from './weights/safetensors.ts';

/** Parameters and buffers by torchvision's names, float32. */
export type ModelState = Readonly<Record<string, Tensor>>;

/** A network drawn from a seed, as when training from scratch. Each tensor has its own random stream. */
export function randomState(info: ArchitectureInfo, seed: number): ModelState {
  const state: Record<string, Tensor> = {};
  for (const { name, shape, initializer } of info.parameters) {
    state[name] = initialize(initializer, shape, Rng.of(seed, 'init', name));
  }
  for (const { name, shape, initial } of info.buffers) state[name] = filled(shape, initial);
  return state;
}

/**
 * The shipped weights of a model with its head replaced by one for `classes`, drawn from `seed`.
 * @throws TriggerlabError when no weights are shipped, or the file does not match its card.
 */
export async function pretrainedState(
  model: ModelDefinition,
  info: ArchitectureInfo,
  inputSize: number,
  seed: number,
): Promise<ModelState> {
  const card = weightsCard(model.name);
  if (!card) {
    throw inputError(`model "${model.name}" has no pretrained weights`, {
      hint: `Use init: random, or make weights with: triggerlab pretrain ${model.name}`,
    });
  }
  checkPretrainedSize(model, info, inputSize);
  const bytes = await readFile(`${weightsDirectory}${card.file}`).catch((cause: unknown) => {
    throw failedError(`weights/${card.file} cannot be read`, { hint: 'Install triggerlab again.', cause });
  });
  if (sha256Hex(bytes) !== card.sha256) {
    throw failedError(`weights/${card.file} does not have the SHA-256 of its card`, {
      hint: 'Install triggerlab again.',
    });
  }
  const { tensors } = decodeSafetensors(bytes, `weights/${card.file}`);
  const fresh = randomState(info, seed);
  const state: Record<string, Tensor> = {};
  for (const { name, shape } of [...info.parameters, ...info.buffers]) {
    const isHead = name.startsWith(`${model.architecture.head}.`);
    const loaded = tensors[name];
    if (!isHead && (!loaded || loaded.shape.join() !== shape.join())) {
      throw failedError(`weights/${card.file} has no "${name}" of shape [${shape}]`, {
        hint: 'Install triggerlab again.',
      });
    }
    state[name] = isHead ? fresh[name] : loaded;
  }
  return state;
}

/**
 * Convolutions take images of any size, dense layers behind them do not.
 * @throws TriggerlabError (input) when the shipped weights do not fit the network at this input size.
 */
export function checkPretrainedSize(model: ModelDefinition, info: ArchitectureInfo, inputSize: number): void {
  const card = weightsCard(model.name);
  if (!card || card.inputSize === inputSize) return;
  const made = describeArchitecture(model.architecture, card.inputSize, card.classes);
  const odd = info.parameters.find(
    ({ name, shape }, i) =>
      !name.startsWith(`${model.architecture.head}.`) && shape.join() !== made.parameters[i].shape.join(),
  );
  if (!odd) return;
  throw inputError(
    `the pretrained weights of ${model.name} are for images of ${card.inputSize} × ${card.inputSize} pixels`,
    {
      hint: `At ${inputSize} × ${inputSize} "${odd.name}" has another shape: use inputSize ${card.inputSize}, or init: random.`,
    },
  );
}

/** The state a run starts from, and the network's description. */
export async function initialState(
  model: ModelDefinition,
  options: { inputSize: number; classes: number; init: 'pretrained' | 'random'; seed: number },
): Promise<{ info: ArchitectureInfo; state: ModelState }> {
  const { inputSize, classes } = options;
  const info = describeArchitecture(model.architecture, inputSize, classes);
  const state =
    options.init === 'random'
      ? randomState(info, options.seed)
      : await pretrainedState(model, info, inputSize, options.seed);
  return { info, state };
}
