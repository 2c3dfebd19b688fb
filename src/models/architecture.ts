// What a network is: a function from an image to logits, and what that function says of its own parameters.
import { inputError, messageOf } from '../core/errors.ts';
import { Graph, type Value } from '../graph/graph.ts';
import { WindowTooLarge } from '../graph/ops/windows.ts';
import type { Initializer } from './initializers.ts';
import { type LayerContext, Layers } from './layers.ts';

/** Where a network's numbers come from: torchvision builds some networks differently for the two. */
export type Origin = 'pretrained' | 'random';

/** A further classifier on an inner layer, whose loss counts `weight` times while training from scratch. */
export interface AuxiliaryHead {
  readonly logits: Value;
  readonly weight: number;
}

export interface NetworkOutput {
  /** [N, classes] */
  readonly logits: Value;
  /** Default: none. */
  readonly auxiliary?: readonly AuxiliaryHead[];
}

/** A network family with its sizes filled in. */
export interface Architecture {
  /** Emits the network on images [N, 3, S, S] (normalised). Layers are emitted in the order of torchvision's `parameters()`. */
  forward(layers: Layers, image: Value, options: { classes: number; origin: Origin }): NetworkOutput;
  /** How convolution weights start when training from scratch. */
  readonly convInitializer: Initializer;
  /** The last dense layer, replaced in transfer learning (`fc`, `classifier.6`). */
  readonly head: string;
  /** Prefix of the layers that the paper trains besides batch norm: the head, or AlexNet's whole classifier. */
  readonly paperPrefix: string;
  /** Which of the parameters of these names the programs of the SoK's authors train; undefined: they have no such network. */
  paperCode?(names: readonly string[]): readonly string[];
}

export interface ParameterInfo {
  /** torchvision's name, such as `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  /** Whether it is the scale or shift of a batch norm. */
  readonly batchNorm: boolean;
}

export interface BufferInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: number;
}

export interface ArchitectureInfo {
  /** In the order of torchvision's `parameters()`. */
  readonly parameters: readonly ParameterInfo[];
  readonly buffers: readonly BufferInfo[];
}

/** What was found of each, by its options: planning asks for the same networks again and again. */
const described = new WeakMap<Architecture, Map<string, ArchitectureInfo>>();

/**
 * Parameters and buffers of a network for images of `inputSize` and `classes` classes, found by building it once.
 * @throws TriggerlabError (input) when the images are too small for its windows.
 */
export function describeArchitecture(
  architecture: Architecture,
  inputSize: number,
  classes: number,
  origin: Origin = 'pretrained',
): ArchitectureInfo {
  const known = described.get(architecture) ?? new Map<string, ArchitectureInfo>();
  described.set(architecture, known);
  const key = `${inputSize} ${classes} ${origin}`;
  const info = known.get(key) ?? describe(architecture, inputSize, classes, origin);
  known.set(key, info);
  return info;
}

/** Whether a network takes images of this size. */
export function takesSize(architecture: Architecture, inputSize: number): boolean {
  try {
    describeArchitecture(architecture, inputSize, 2);
    return true;
  } catch (error) {
    if (isTooSmall(error)) return false;
    throw error;
  }
}

/** Whether an error comes from a window that is larger than its image. */
function isTooSmall(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof WindowTooLarge) return true;
  return false;
}

function describe(architecture: Architecture, inputSize: number, classes: number, origin: Origin): ArchitectureInfo {
  const graph = new Graph();
  const parameters: ParameterInfo[] = [];
  const buffers: BufferInfo[] = [];
  const context: LayerContext = {
    graph,
    batchNormMode: 'running',
    parameter(name, shape, initializer) {
      parameters.push({ name, shape, initializer, batchNorm: false });
      return graph.input(name, 'float32', shape);
    },
    buffer(name, shape, initial) {
      buffers.push({ name, shape, initial });
      return graph.input(name, 'float32', shape);
    },
    updateBuffer() {},
    dropoutMask: () => undefined,
  };
  const image = graph.input('image', 'float32', ['N', 3, inputSize, inputSize]);
  try {
    architecture.forward(new Layers(context, architecture.convInitializer), image, { classes, origin });
  } catch (error) {
    if (!isTooSmall(error)) throw error;
    throw inputError(`${inputSize} × ${inputSize} pixels are too few for this network (${messageOf(error)})`, {
      hint: 'Choose a larger inputSize (--size of bench step), or a -mini network, which is made for 32 pixels.',
      cause: error,
    });
  }
  const normed = new Set(buffers.map(({ name }) => name.slice(0, name.lastIndexOf('.'))));
  return {
    parameters: parameters.map((p) => ({ ...p, batchNorm: normed.has(p.name.slice(0, p.name.lastIndexOf('.'))) })),
    buffers,
  };
}
