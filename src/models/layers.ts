// The layers that architectures are written with. One builder serves description, training and evaluation alike.
import type { Graph, Shape, Value } from '../graph/graph.ts';
import { batchNorm, batchNormTraining } from '../graph/ops/batch-normalization.ts';
import { type ConvOptions, conv } from '../graph/ops/conv.ts';
import { dropout } from '../graph/ops/dropout.ts';
import { gemm } from '../graph/ops/gemm.ts';
import { staticDim } from '../graph/shapes.ts';
import type { Initializer } from './initializers.ts';

/** Statistics a batch norm works with: the batch's own (and the running ones are updated), or the running ones. */
export type BatchNormMode = 'batch' | 'running';

/** What the builder asks its surroundings for. */
export interface LayerContext {
  readonly graph: Graph;
  readonly batchNormMode: BatchNormMode;
  /** A parameter of the network: a graph input, a constant, or a note of its name and shape. */
  parameter(name: string, shape: readonly number[], initializer: Initializer): Value;
  /** A running statistic: not trained by gradients, but part of the network's state. */
  buffer(name: string, shape: readonly number[], initial: number): Value;
  /** Takes note of a running statistic's value after this batch. */
  updateBuffer(name: string, value: Value): void;
  /** The mask of a dropout layer (uint8, 1 keeps), or undefined to leave dropout out. */
  dropoutMask(name: string, shape: Shape, rate: number): Value | undefined;
}

export interface ConvLayer extends ConvOptions {
  readonly kernel: number;
  readonly bias?: boolean;
  /** Default: PyTorch's, U(±1/√fanIn). */
  readonly biasInitializer?: Initializer;
}

export interface LinearLayer {
  /** Default: PyTorch's, U(±1/√fanIn), for weights and biases. */
  readonly initializer?: Initializer;
  readonly biasInitializer?: Initializer;
}

/** Builds layers whose parameters carry torchvision's names (`layer1.0.conv1.weight`). */
export class Layers {
  readonly context: LayerContext;
  readonly #initializer: Initializer;

  /** `convInitializer` draws convolution weights when training from scratch. */
  constructor(context: LayerContext, convInitializer: Initializer) {
    this.context = context;
    this.#initializer = convInitializer;
  }

  /** Convolution: parameters `name.weight` [outputs, C/group, k, k] and, with `bias`, `name.bias`. */
  conv(name: string, x: Value, outputs: number, layer: ConvLayer): Value {
    const { kernel, bias = false, biasInitializer, ...options } = layer;
    const inputs = staticDim(x.shape[1], 'the channels of a convolution') / (options.group ?? 1);
    const fanIn = inputs * kernel * kernel;
    return this.context.graph.scoped(name, () => {
      const w = this.context.parameter(`${name}.weight`, [outputs, inputs, kernel, kernel], this.#initializer);
      const b = bias
        ? this.context.parameter(`${name}.bias`, [outputs], biasInitializer ?? { kind: 'uniform', fanIn })
        : undefined;
      return conv(x, w, b, options);
    });
  }

  /** Batch norm with PyTorch's defaults: parameters `weight`, `bias`, buffers `running_mean`, `running_var`. */
  batchNorm(name: string, x: Value, epsilon = 1e-5, momentum = 0.1): Value {
    const channels = [staticDim(x.shape[1], 'the channels of a batch norm')];
    const { context } = this;
    return context.graph.scoped(name, () => {
      const scale = context.parameter(`${name}.weight`, channels, { kind: 'constant', value: 1 });
      const bias = context.parameter(`${name}.bias`, channels, { kind: 'constant', value: 0 });
      const mean = context.buffer(`${name}.running_mean`, channels, 0);
      const variance = context.buffer(`${name}.running_var`, channels, 1);
      if (context.batchNormMode === 'running') return batchNorm(x, scale, bias, mean, variance, epsilon);
      const trained = batchNormTraining(x, scale, bias, { mean, variance }, epsilon, momentum);
      context.updateBuffer(`${name}.running_mean`, trained.runningMean);
      context.updateBuffer(`${name}.running_var`, trained.runningVariance);
      return trained.y;
    });
  }

  /** Dense layer on [N, inputs]: parameters `name.weight` [outputs, inputs] and `name.bias`. */
  linear(name: string, x: Value, outputs: number, layer: LinearLayer = {}): Value {
    const { initializer = { kind: 'uniform' }, biasInitializer } = layer;
    const fanIn = staticDim(x.shape[1], 'the inputs of a dense layer');
    return this.context.graph.scoped(name, () => {
      const w = this.context.parameter(`${name}.weight`, [outputs, fanIn], initializer);
      const b = this.context.parameter(`${name}.bias`, [outputs], biasInitializer ?? { kind: 'uniform', fanIn });
      return gemm(x, w, b, { transB: true });
    });
  }

  /** Dropout while training; nothing in evaluation. */
  dropout(name: string, x: Value, rate: number): Value {
    const mask = rate === 0 ? undefined : this.context.dropoutMask(name, x.shape, rate);
    return mask ? this.context.graph.scoped(name, () => dropout(x, mask, rate)) : x;
  }
}
