// What a network under a freeze policy consists of and costs: parameters, arithmetic, memory. Nothing is run or loaded.
import { sizeOf } from '../core/tensor.ts';
import { describeArchitecture, type Origin } from '../models/architecture.ts';
import { type FreezePolicy, trainablePart } from '../models/freeze.ts';
import type { ModelDefinition } from '../models/registry.ts';
import { keptForBackward, peakPerImage } from './activation-memory.ts';
import { emptyNetwork } from './empty-network.ts';
import { emitEvaluation, type LayerRow, layerTable } from './layer-table.ts';
import { multiplyAdds } from './multiply-adds.ts';
import { optimizer } from './optimizers.ts';
import { trainStep } from './train-step.ts';

export interface LedgerOptions {
  readonly model: ModelDefinition;
  readonly freeze: FreezePolicy;
  readonly classes: number;
  /** Side of the images in pixels. */
  readonly inputSize: number;
  readonly init: Origin;
  readonly optimizer: 'adam' | 'sgd';
}

export interface LedgerLayer extends LayerRow {
  /** Numbers of its parameters that are trained. */
  readonly trained: number;
}

export interface Ledger {
  readonly layers: readonly LedgerLayer[];
  readonly parameters: { readonly total: number; readonly trained: number; readonly frozen: number };
  /** Numbers of running statistics that training changes. */
  readonly statistics: number;
  /** Floating-point operations for one image, two per multiply-add of a convolution or matrix product. */
  readonly flops: { readonly forward: number; readonly step: number };
  /** Bytes for one image, see `keptForBackward` and `peakPerImage`. */
  readonly activationBytes: { readonly kept: number; readonly evaluation: number };
  /** Bytes of what the optimiser keeps between steps. */
  readonly optimizerBytes: number;
  /** Bytes of all that training changes: what a checkpoint holds. */
  readonly checkpointBytes: number;
}

/** @throws TriggerlabError (input) when the policy trains nothing. */
export async function ledger(options: LedgerOptions): Promise<Ledger> {
  const { model, freeze, classes, inputSize, init } = options;
  const { architecture } = model;
  const info = describeArchitecture(architecture, inputSize, classes, init);
  const trainable = new Set(trainablePart(freeze, architecture, info).parameters);
  const network = await emptyNetwork({ model, freeze, classes, inputSize, init });
  const method = optimizer({ optimizer: options.optimizer, learningRate: 0, momentum: 0.9, weightDecay: 0 });
  const { graph } = trainStep(network, method);
  // Gradients and updates carry their scope in front of their name.
  const forward = new Set(graph.nodes.filter(({ name }) => !/^(grad|optimizer)\//.test(name)));
  const evaluation = emitEvaluation(architecture, { inputSize, classes, origin: init });
  const size = (list: readonly { readonly shape: readonly number[] }[]) =>
    list.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const trained = size(info.parameters.filter(({ name }) => trainable.has(name)));
  const statistics = size(info.buffers.filter(({ name }) => network.buffers.includes(name)));
  const total = size(info.parameters);
  const shapes = new Map(info.parameters.map((parameter) => [parameter.name, parameter]));
  return {
    // Worked out for those who show them: who asks how much memory a run takes does not.
    get layers() {
      return layerTable(evaluation).map((layer) => ({
        ...layer,
        trained: size(layer.parameters.flatMap((name) => (trainable.has(name) ? (shapes.get(name) ?? []) : []))),
      }));
    },
    parameters: { total, trained, frozen: total - trained },
    statistics,
    get flops() {
      return { forward: 2 * multiplyAdds(evaluation.graph, 1), step: 2 * multiplyAdds(graph, 1) };
    },
    activationBytes: { kept: keptForBackward(graph, forward), evaluation: peakPerImage(evaluation.graph) },
    optimizerBytes: 4 * trained * method.slots.length,
    checkpointBytes: 4 * (trained + statistics),
  };
}
