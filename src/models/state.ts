// The numbers of a network: parameters and running statistics, from pretrained weights or drawn from a seed.
import { failedError, inputError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { filled, sizeOf, type Tensor } from '../core/tensor.ts';
import { type ArchitectureInfo, describeArchitecture, type ParameterInfo } from './architecture.ts';
import { initialize } from './initializers.ts';
import { pretrainedTensors } from './pretrained.ts';
import type { ModelDefinition } from './registry.ts';
import { weightsCard } from './weights/card.ts';
import { publishedAs } from './weights/published.ts';

/** Parameters and buffers by torchvision's names, float32. */
export type ModelState = Readonly<Record<string, Tensor>>;

/** Whether a network keeps its pretrained first convolution, or gets a new one, which is trained. */
export type Stem = 'kept' | 'replaced';

/** Names of the parameters of the first convolution. */
export function stemParameters({ parameters }: ArchitectureInfo): string[] {
  const first = firstConvolution(parameters);
  const layer = first.name.replace(/[^.]*$/, '');
  const own = (name: string) => name === first.name || (layer !== '' && name.startsWith(layer));
  return parameters.map(({ name }) => name).filter(own);
}

/** Numbers that go into one output of the first convolution. */
function stemInputs({ parameters }: ArchitectureInfo): number {
  return sizeOf(firstConvolution(parameters).shape.slice(1));
}

function firstConvolution(parameters: ArchitectureInfo['parameters']): ParameterInfo {
  const found = parameters.find(({ shape }) => shape.length === 4);
  if (!found) throw inputError('stem: the network has no convolution to replace', { hint: 'Use stem: kept.' });
  return found;
}

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
 * Names of the layers whose shape an option of the model's name has changed: its pretrained weights have nothing for them, so
 * they start at random. The head, which always does, is not among them.
 */
export function resizedLayers(model: ModelDefinition, info: ArchitectureInfo, inputSize: number): string[] {
  if (!model.plain) return [];
  const { head } = model.architecture;
  const usual = new Map(
    describeArchitecture(model.plain, inputSize, 2).parameters.map(({ name, shape }) => [name, shape.join()]),
  );
  const changed = info.parameters.filter(({ name, shape }) => usual.get(name) !== shape.join());
  return [...new Set(changed.map(({ name }) => layerOf(name)))].filter((layer) => layer !== head);
}

const layerOf = (parameter: string) => parameter.slice(0, parameter.lastIndexOf('.'));

/**
 * The pretrained weights of a model with its head replaced by one for `classes`, drawn from `seed`, and perhaps its first convolution;
 * layers that an option resizes are drawn as well.
 * @throws TriggerlabError when there are none, the file does not match its card, or they do not fit the network.
 */
export async function pretrainedState(
  model: ModelDefinition,
  info: ArchitectureInfo,
  inputSize: number,
  seed: number,
  stem: Stem = 'kept',
): Promise<ModelState> {
  const tensors = await pretrainedTensors(model);
  checkPretrainedSize(model, info, inputSize);
  const state: Record<string, Tensor> = {};
  const replaced = stem === 'replaced' ? stemParameters(info) : [];
  const fresh = [model.architecture.head, ...resizedLayers(model, info, inputSize)];
  for (const parameter of [...info.parameters, ...info.buffers]) {
    const { name, shape } = parameter;
    const loaded = tensors[name];
    if ('initializer' in parameter && fresh.includes(layerOf(name))) {
      state[name] = drawn(parameter, seed);
    } else if ('initializer' in parameter && replaced.includes(name)) {
      // As PyTorch starts a new convolution.
      state[name] = drawn({ ...parameter, initializer: { kind: 'uniform', fanIn: stemInputs(info) } }, seed);
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
 * @throws TriggerlabError (input) when the weights, there or published, do not fit the network at this input size, or its width.
 */
export function checkPretrainedSize(model: ModelDefinition, info: ArchitectureInfo, inputSize: number): void {
  if (model.tensors) return;
  if (model.plain && (model.options?.width ?? 1) !== 1) {
    throw inputError(`there are no pretrained weights of ${model.name}: those that there are have another width`, {
      hint: 'Write init: random (and freeze: none) to train it from scratch, or leave width out.',
    });
  }
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
  options: { inputSize: number; classes: number; init: 'pretrained' | 'random'; seed: number; stem?: Stem | undefined },
): Promise<{ info: ArchitectureInfo; state: ModelState }> {
  const { inputSize, classes } = options;
  const info = describeArchitecture(model.architecture, inputSize, classes, options.init);
  const state =
    options.init === 'random'
      ? randomState(info, options.seed)
      : await pretrainedState(model, info, inputSize, options.seed, options.stem);
  return { info, state };
}
