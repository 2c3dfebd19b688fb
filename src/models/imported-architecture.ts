// An imported network as an architecture: its weights become parameters, its head takes any number of classes.
import { inputError, messageOf, TriggerlabError } from '../core/errors.ts';
import { sizeOf, type Tensor } from '../core/tensor.ts';
import { Graph, type Value } from '../graph/graph.ts';
import type { OnnxModel, OnnxNode } from '../graph/onnx/decode.ts';
import { type BatchNormLayer, nodesBehind, type ReplayHooks, type Role, replay } from '../graph/onnx/import.ts';
import { batchNorm, batchNormTraining } from '../graph/ops/batch-normalization.ts';
import { flatten } from '../graph/ops/flatten.ts';
import type { Architecture } from './architecture.ts';
import { classAxis, type Head, layerNames } from './imported-head.ts';
import { asModelTakes, type ImageInput, stemOf, swapChannels } from './imported-input.ts';
import type { Initializer } from './initializers.ts';
import type { Layers } from './layers.ts';

export interface ArchitectureParts {
  readonly name: string;
  readonly head: Head;
  /** Names of values that do not depend on the image. */
  readonly constant: ReadonlySet<string>;
  readonly input: ImageInput;
  /** Side at which the network is built to see whether it can be. */
  readonly inputSize: number;
  /** Whether the network takes BGR. */
  readonly swap: boolean;
}

export interface ImportedArchitecture {
  readonly architecture: Architecture;
  /** By the names that `forward` asks for. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Of the file's own head. */
  readonly classes: number;
}

const CONV_INITIALIZER: Initializer = { kind: 'kaiming-uniform' };

/** @throws TriggerlabError (input) when the network cannot be built at `inputSize`. */
export function importedArchitecture(model: OnnxModel, parts: ArchitectureParts): ImportedArchitecture {
  const { head, input, swap } = parts;
  const names = layerNames(model, head, parts.constant);
  const stem = swap ? stemOf(nodesBehind(model, head.output), input, model.constants) : undefined;
  const emit = (image: Value, hooks: ReplayHooks): Value =>
    atSize(parts, image, () => {
      const logits = replay(model, {
        inputs: new Map([[input.name, asModelTakes(image, input, swap && !stem)]]),
        output: head.output,
        fixedBatch: input.fixedBatch,
        hooks: { ...hooks, skip: (node) => head.softmax.has(node) },
      });
      return asMatrix(logits);
    });
  const { tensors, classes: own } = recorded(emit, names, parts, stem);
  const prefix = names.get(head.node) ?? 'head';
  return {
    tensors,
    classes: own,
    architecture: {
      convInitializer: CONV_INITIALIZER,
      head: prefix,
      paperPrefix: `${prefix}.`,
      forward(layers, image, { classes }) {
        const shapeOf = (node: OnnxNode, role: Role, shape: readonly number[]) =>
          node === head.node ? headShape(node, role, shape, own, classes) : shape;
        const logits = emit(image, {
          ...layerHooks(layers, names, tensors, shapeOf),
          target: (node, dims) => (head.behind.has(node) ? dims.map((dim) => (dim === own ? classes : dim)) : dims),
        });
        if (logits.shape[1] !== classes) {
          throw inputError(`${parts.name}: the head gives [${logits.shape}], not ${classes} classes`);
        }
        return { logits };
      },
    },
  };
}

/** Builds the network once as the file has it and takes note of its parameters. */
function recorded(
  emit: (image: Value, hooks: ReplayHooks) => Value,
  names: ReadonlyMap<OnnxNode, string>,
  { inputSize, name }: ArchitectureParts,
  stem: ReadonlySet<OnnxNode> | undefined,
): { tensors: Record<string, Tensor>; classes: number } {
  // Without a prototype, a layer may be called "__proto__".
  const tensors: Record<string, Tensor> = Object.create(null);
  const graph = new Graph(name);
  const logits = emit(graph.input('image', 'float32', ['N', 3, inputSize, inputSize]), {
    parameter(node, role, content) {
      const layer = names.get(node);
      if (layer === undefined) return undefined;
      const swapped = role === 'weight' && stem?.has(node);
      tensors[`${layer}.${role}`] = swapped ? swapChannels(content) : content;
      return undefined;
    },
    batchNorm(node, x, layer) {
      const prefix = names.get(node);
      const { scale, bias, mean, variance, epsilon } = layer;
      tensors[`${prefix}.weight`] = scale;
      tensors[`${prefix}.bias`] = bias;
      tensors[`${prefix}.running_mean`] = mean;
      tensors[`${prefix}.running_var`] = variance;
      const value = (content: Tensor) => graph.constant(content);
      return batchNorm(x, value(scale), value(bias), value(mean), value(variance), epsilon);
    },
  });
  const classes = logits.shape[1];
  if (logits.shape[0] !== 'N' || typeof classes !== 'number' || classes < 2) {
    throw inputError(`${name}: its logits are [${logits.shape}], not [N, classes] with at least two classes`);
  }
  return { tensors, classes };
}

/** Layers as the surroundings want them: parameters, running statistics, dropout. */
function layerHooks(
  layers: Layers,
  names: ReadonlyMap<OnnxNode, string>,
  tensors: Readonly<Record<string, Tensor>>,
  shapeOf: (node: OnnxNode, role: Role, shape: readonly number[]) => readonly number[],
): ReplayHooks {
  const { context } = layers;
  return {
    parameter(node, role) {
      const layer = names.get(node);
      const content = tensors[`${layer}.${role}`];
      if (layer === undefined || !content) return undefined;
      const weight = tensors[`${layer}.weight`];
      const initializer = initializerOf(node, role, weight ?? content);
      return context.parameter(`${layer}.${role}`, shapeOf(node, role, content.shape), initializer);
    },
    batchNorm: (node, x, layer) => trainableBatchNorm(layers, names.get(node) ?? node.name, x, layer),
    dropout: (node, x, rate) => layers.dropout(node.name, x, rate),
  };
}

function trainableBatchNorm({ context }: Layers, name: string, x: Value, layer: BatchNormLayer): Value {
  const { shape } = layer.scale;
  const scale = context.parameter(`${name}.weight`, shape, { kind: 'constant', value: 1 });
  const bias = context.parameter(`${name}.bias`, shape, { kind: 'constant', value: 0 });
  const mean = context.buffer(`${name}.running_mean`, shape, 0);
  const variance = context.buffer(`${name}.running_var`, shape, 1);
  const { epsilon, momentum } = layer;
  if (context.batchNormMode === 'running') return batchNorm(x, scale, bias, mean, variance, epsilon);
  const trained = batchNormTraining(x, scale, bias, { mean, variance }, epsilon, momentum);
  context.updateBuffer(`${name}.running_mean`, trained.runningMean);
  context.updateBuffer(`${name}.running_var`, trained.runningVariance);
  return trained.y;
}

function initializerOf({ op, attributes }: OnnxNode, role: Role, weight: Tensor): Initializer {
  if (op === 'LayerNormalization' || op === 'InstanceNormalization') {
    return { kind: 'constant', value: role === 'weight' ? 1 : 0 };
  }
  if (op === 'Conv' && role === 'weight') return CONV_INITIALIZER;
  const { shape } = weight;
  const fanIn = op === 'Conv' ? sizeOf(shape.slice(1)) : shape[op === 'Gemm' && attributes.transB === 1 ? 1 : 0];
  return { kind: 'uniform', fanIn };
}

/** The shape of a head's weight or bias for another number of classes. */
function headShape(
  node: OnnxNode,
  role: Role,
  shape: readonly number[],
  own: number,
  classes: number,
): readonly number[] {
  const axis = role === 'weight' ? classAxis(node) : shape.length - 1;
  return shape.map((dim, i) => (i === axis && dim === own ? classes : dim));
}

/** Logits [N, classes, 1, 1] or [N, classes] as a matrix. */
function asMatrix(logits: Value): Value {
  if (logits.rank > 2 && logits.shape.slice(2).every((dim) => dim === 1)) return flatten(logits);
  if (logits.rank !== 2) throw inputError(`the model's logits are [${logits.shape}], not [N, classes]`);
  return logits;
}

/** Says at which image size it was that something did not fit, and which one would. */
function atSize<T>({ name, input }: ArchitectureParts, image: Value, build: () => T): T {
  try {
    return build();
  } catch (error) {
    const size = image.shape[2];
    const declared =
      input.size !== undefined && input.size !== size
        ? `The file declares ${input.size} × ${input.size}: use inputSize ${input.size}.`
        : undefined;
    const own = error instanceof TriggerlabError ? error.hint : undefined;
    throw inputError(`${name} cannot be built for images of ${size} × ${size} pixels: ${messageOf(error)}`, {
      hint: declared ?? own ?? 'Another inputSize may work: the one that the network was made for.',
      cause: error,
    });
  }
}
