// The numbers of a network: parameters and running statistics, from pretrained weights or drawn from a seed.
import { failedError, inputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { filled, type Tensor } from '../core/tensor.ts';
import { type ArchitectureInfo, describeArchitecture, type ParameterInfo } from './architecture.ts';
import { initialize } from './initializers.ts';
import { pretrainedTensors } from './pretrained.ts';
import type { ModelDefinition } from './registry.ts';
import { weightsCard } from './weights/card.ts';
import { publishedAs } from './weights/published.ts';

/** Parameters and buffers by torchvision's names, float32. */
export type ModelState = Readonly<Record<string, Tensor>>;

/** A network drawn from a seed, as when training from scratch. Each tensor has its own random stream. */
export function randomState(info: ArchitectureInfo, seed: number): ModelState {
  const state: Record<string, Tensor> = {};
  for (const parameter of info.parameters) state[parameter.name] = drawn(parameter, seed);
  for (const { name, shape, initial } of info.buffers) state[name] = filled(shape, initial);
  return state;
}

function drawn({ name, shape, initializer }: ParameterInfo, seed: number): Tensor {
  return initialize(initializer, shape, Rng.of(seed, 'init', name));
}

/**
 * The pretrained weights of a model with its head replaced by one for `classes`, drawn from `seed`.
 * @throws TriggerlabError when there are none, the file does not match its card, or they do not fit the network.
 */
export async function pretrainedState(
  model: ModelDefinition,
  info: ArchitectureInfo,
  inputSize: number,
  seed: number,
): Promise<ModelState> {
  const tensors = await pretrainedTensors(model);
  checkPretrainedSize(model, info, inputSize);
  const state: Record<string, Tensor> = {};
  for (const parameter of [...info.parameters, ...info.buffers]) {
    const { name, shape } = parameter;
    const loaded = tensors[name];
    if ('initializer' in parameter && name.startsWith(`${model.architecture.head}.`)) {
      state[name] = drawn(parameter, seed);
    } else if (loaded?.shape.join() === shape.join()) {
      state[name] = loaded;
    } else {
      throw failedError(`the weights of ${model.name} have no "${name}" of shape [${shape}]`, {
        hint: 'Import the weights again: triggerlab weights import.',
      });
    }
  }
  return state;
}

/**
 * Convolutions take images of any size, dense layers behind them do not.
 * @throws TriggerlabError (input) when the weights, there or published, do not fit the network at this input size.
 */
export function checkPretrainedSize(model: ModelDefinition, info: ArchitectureInfo, inputSize: number): void {
  if (model.tensors) return;
  const made = weightsCard(model.name) ?? publishedAs(model.name);
  if (!made || made.inputSize === inputSize) return;
  const theirs = describeArchitecture(model.architecture, made.inputSize, made.classes);
  const odd = info.parameters.find(
    ({ name, shape }, i) =>
      !name.startsWith(`${model.architecture.head}.`) && shape.join() !== theirs.parameters[i].shape.join(),
  );
  if (!odd) return;
  throw inputError(
    `the pretrained weights of ${model.name} are for images of ${made.inputSize} × ${made.inputSize} pixels`,
    {
      hint: `At ${inputSize} × ${inputSize} "${odd.name}" has another shape: use inputSize ${made.inputSize}, or init: random.`,
    },
  );
}

/** The state a run starts from, and the network's description. */
export async function initialState(
  model: ModelDefinition,
  options: { inputSize: number; classes: number; init: 'pretrained' | 'random'; seed: number },
): Promise<{ info: ArchitectureInfo; state: ModelState }> {
  const { inputSize, classes } = options;
  const info = describeArchitecture(model.architecture, inputSize, classes, options.init);
  const state =
    options.init === 'random'
      ? randomState(info, options.seed)
      : await pretrainedState(model, info, inputSize, options.seed);
  return { info, state };
}
